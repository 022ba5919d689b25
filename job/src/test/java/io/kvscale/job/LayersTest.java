package io.kvscale.job;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleNameEndingWith;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.library.Architectures.LayeredArchitecture;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The packages of this module keep their layers. Classes in {@code misplaced} break each rule, to test the rules. */
class LayersTest {
    /** A package may import only packages with a lower number, and all of kvscale-udfs. Add new packages here. */
    private static final Map<String, Integer> LAYERS = Map.ofEntries(
            Map.entry("recipe", 6),
            Map.entry("spark", 6),
            Map.entry("unitscale", 6),
            Map.entry("convergence", 6),
            Map.entry("model", 7),
            Map.entry("corpus.plan", 7),
            Map.entry("corpus.read", 8),
            Map.entry("corpus", 9),
            Map.entry("checkpoint", 7),
            Map.entry("target", 8),
            Map.entry("check", 8),
            Map.entry("merge", 9),
            Map.entry("export", 9),
            Map.entry("state", 10),
            Map.entry("calibration", 11),
            Map.entry("history", 11),
            Map.entry("evaluation", 10),
            Map.entry("advice", 10),
            Map.entry("drift", 10),
            Map.entry("report", 10),
            Map.entry("bench", 12),
            Map.entry("console", 13),
            Map.entry("command", 14));

    private static final JavaClasses MODULE = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("io.kvscale.job");

    private static final JavaClasses MISPLACED = new ClassFileImporter().importPackages("io.kvscale.job.misplaced");

    @Test
    void packagesImportOnlyLowerOnes() {
        layers("io.kvscale.job").check(MODULE);
        assertThat(violations(layers("io.kvscale.job.misplaced"), MISPLACED))
                .contains("io.kvscale.job.misplaced.recipe.ImportsRoot");
    }

    @Test
    void everyPackageHasALayer() {
        known("io.kvscale.job").check(MODULE);
        assertThat(violations(known("io.kvscale.job.misplaced"), MISPLACED))
                .contains("io.kvscale.job.misplaced.common.Anything");
    }

    @Test
    void onlySparkPackagesImportSpark() {
        sparkFree("io.kvscale.job").check(MODULE);
        assertThat(violations(sparkFree("io.kvscale.job.misplaced"), MISPLACED))
                .contains("io.kvscale.job.misplaced.export.ImportsSpark")
                .doesNotContain("io.kvscale.job.misplaced.export.SparkTableExporter");
    }

    @Test
    void noTwoClassesShareASimpleName() {
        Map<String, List<JavaClass>> byName = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS).importPackages("io.kvscale").stream()
                        .filter(JavaClass::isTopLevelClass)
                        .filter(type -> !type.getSimpleName().equals("package-info"))
                        .collect(Collectors.groupingBy(JavaClass::getSimpleName));
        assertThat(byName).isNotEmpty();
        byName.values().removeIf(types -> types.size() == 1);
        assertThat(byName.values()).isEmpty();
    }

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching("io.kvscale.(**)").should().beFreeOfCycles().check(MODULE);
    }

    private static ArchRule layers(String root) {
        LayeredArchitecture rule = layeredArchitecture()
                .consideringOnlyDependenciesInLayers()
                .withOptionalLayers(true)
                .layer("the command line")
                .definedBy(root);
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
                        Stream.concat(Stream.of(root), LAYERS.keySet().stream().map(name -> root + "." + name))
                                .toArray(String[]::new));
    }

    private static ArchRule sparkFree(String root) {
        DescribedPredicate<JavaClass> runsOnSpark = resideInAnyPackage(
                root + ".spark",
                root + ".corpus..",
                root + ".model",
                root + ".calibration",
                root + ".evaluation",
                root + ".bench");
        DescribedPredicate<JavaClass> exportsTables =
                resideInAPackage(root + ".export").and(simpleNameEndingWith("TableExporter"));
        return noClasses()
                .that(DescribedPredicate.not(runsOnSpark.or(exportsTables)))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.apache.spark..");
    }

    private static String violations(ArchRule rule, JavaClasses classes) {
        return String.join("\n", rule.evaluate(classes).getFailureReport().getDetails());
    }
}
