package io.kvscale;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The packages of this module keep their layers. {@code io.kvscale.misplaced} breaks each rule, to test the rules. */
class LayersTest {
    /** A package may import only packages with a lower number. Add new packages here. */
    private static final Map<String, Integer> LAYERS = Map.ofEntries(
            Map.entry("numeric", 0),
            Map.entry("jinja", 0),
            Map.entry("json", 0),
            Map.entry("tensor", 1),
            Map.entry("observer.kernel", 2),
            Map.entry("scheme", 2),
            Map.entry("scheme.table", 3),
            Map.entry("safetensors", 2),
            Map.entry("arrow", 2),
            Map.entry("input", 2),
            Map.entry("observer.histogram", 2),
            Map.entry("observer", 3),
            Map.entry("observer.evidence", 4),
            Map.entry("text", 3),
            Map.entry("text.tokenizer", 2),
            Map.entry("model.config", 3),
            Map.entry("model.onnx", 4),
            Map.entry("model.onnx.file", 2),
            Map.entry("model.onnx.nodes", 2),
            Map.entry("capture.layout", 4),
            Map.entry("quant.kernel", 3),
            Map.entry("quant.search", 4),
            Map.entry("quant", 5),
            Map.entry("model", 5),
            Map.entry("capture", 5),
            Map.entry("option", 5),
            Map.entry("capture.rows", 6),
            Map.entry("cache", 6),
            Map.entry("task", 7),
            Map.entry("evaluation", 8),
            Map.entry("spark.sql", 4),
            Map.entry("spark.functions", 8),
            Map.entry("spark.source", 8),
            Map.entry("spark", 9));

    private static final JavaClasses MODULE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.kvscale");

    private static final JavaClasses MISPLACED = new ClassFileImporter().importPackages("io.kvscale.misplaced");

    @Test
    void packagesImportOnlyLowerOnes() {
        layers("io.kvscale").check(MODULE);
        assertThat(violations(layers("io.kvscale.misplaced"), MISPLACED))
                .contains("io.kvscale.misplaced.numeric.ImportsHigher")
                .contains("io.kvscale.misplaced.scheme.ImportsBeside");
    }

    @Test
    void everyPackageHasALayer() {
        known("io.kvscale").check(MODULE);
        assertThat(violations(known("io.kvscale.misplaced"), MISPLACED)).contains("io.kvscale.misplaced.util.Anything");
    }

    @Test
    void onlyTheSparkPackagesImportSpark() {
        sparkFree("io.kvscale").check(MODULE);
        assertThat(violations(sparkFree("io.kvscale.misplaced"), MISPLACED))
                .contains("io.kvscale.misplaced.observer.ImportsSpark");
    }

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching("io.kvscale.(**)").should().beFreeOfCycles().check(MODULE);
    }

    private static ArchRule layers(String root) {
        LayeredArchitecture rule =
                layeredArchitecture().consideringOnlyDependenciesInLayers().withOptionalLayers(true);
        for (String name : LAYERS.keySet()) {
            rule = rule.layer(name).definedBy(root + "." + name);
        }
        for (Map.Entry<String, Integer> layer : LAYERS.entrySet()) {
            String[] lower = LAYERS.entrySet().stream()
                    .filter(other -> other.getValue() < layer.getValue())
                    .map(Map.Entry::getKey)
                    .toArray(String[]::new);
            rule = lower.length == 0
                    ? rule.whereLayer(layer.getKey()).mayNotAccessAnyLayer()
                    : rule.whereLayer(layer.getKey()).mayOnlyAccessLayers(lower);
        }
        return rule;
    }

    private static ArchRule known(String root) {
        return classes()
                .should()
                .resideInAnyPackage(
                        LAYERS.keySet().stream().map(name -> root + "." + name).toArray(String[]::new));
    }

    private static ArchRule sparkFree(String root) {
        return noClasses()
                .that()
                .resideOutsideOfPackage(root + ".spark..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.apache.spark..");
    }

    private static String violations(ArchRule rule, JavaClasses classes) {
        return String.join("\n", rule.evaluate(classes).getFailureReport().getDetails());
    }
}
