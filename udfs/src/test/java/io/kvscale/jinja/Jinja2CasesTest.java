package io.kvscale.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * Compares templates with the results of Python's jinja2, set up as in transformers: constructs of published chat templates,
 * single constructs, and random ones. {@code text} is the text of jinja2, {@code fails} says that jinja2 raised an error,
 * and {@code refused} marks cases that jinja2 renders and this package refuses.
 */
class Jinja2CasesTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TestFactory
    List<DynamicTest> templatesGiveTheTextOfJinja2() throws IOException {
        JsonNode file = file();
        List<DynamicTest> tests = new ArrayList<>();
        for (JsonNode one : file.path("cases")) {
            Map<String, Object> variables = JSON.convertValue(
                    file.path("variables").path(one.path("variables").textValue()),
                    new TypeReference<Map<String, Object>>() {});
            String template = one.path("template").textValue();
            tests.add(DynamicTest.dynamicTest(one.path("name").textValue(), () -> {
                if (one.has("fails") || one.has("refused")) {
                    assertThatThrownBy(() -> Template.parse(template).render(variables))
                            .as(template)
                            .isInstanceOf(TemplateException.class);
                } else {
                    assertThat(Template.parse(template).render(variables))
                            .as(template)
                            .isEqualTo(one.path("text").textValue());
                }
            }));
        }
        return tests;
    }

    @Test
    void fewTemplatesAreRefused() throws IOException {
        List<JsonNode> rendered = new ArrayList<>();
        List<JsonNode> refused = new ArrayList<>();
        for (JsonNode one : file().path("cases")) {
            if (one.has("text")) {
                (one.has("refused") ? refused : rendered).add(one);
            }
        }
        assertThat(rendered).hasSizeGreaterThan(500);
        assertThat(refused).hasSizeLessThan(25);
    }

    private static JsonNode file() throws IOException {
        try (InputStream in = Jinja2CasesTest.class.getResourceAsStream("/jinja/cases.json")) {
            return JSON.readTree(in);
        }
    }
}
