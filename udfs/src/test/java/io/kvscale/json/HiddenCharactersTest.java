package io.kvscale.json;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HiddenCharactersTest {
    @ParameterizedTest
    @ValueSource(
            ints = {
                0, 0x1b, 0x7f, 0x9b, 0xad, 0x200b, 0x200e, 0x202e, 0x2028, 0x2029, 0x2060, 0x2066, 0x2069, 0x3164,
                0xd800, 0xdfff, 0xfeff, 0xfff9, 0xffff, 0xe0001, 0xe0041, 0xfffff, 0x10ffff
            })
    void hiddenCharactersAreEscapedInTextAndJson(int character) throws Exception {
        String name = "a" + Character.toString(character) + "b";
        String escaped = HiddenCharacters.escaped(name);
        assertThat(escaped).startsWith("a\\u").endsWith("b").isPrintable();
        String text = Json.text(Map.of("name", name));
        byte[] bytes = Json.MAPPER.writeValueAsBytes(Map.of("name", name));
        assertThat(text.chars().filter(c -> c != '\n')).allMatch(c -> c >= ' ' && c < 0x7f);
        assertThat(new String(bytes, StandardCharsets.UTF_8).chars()).allMatch(c -> c >= ' ' && c < 0x7f);
        assertThat(Json.MAPPER.readTree(text).get("name").asText()).isEqualTo(name);
        assertThat(Json.MAPPER.readTree(bytes).get("name").asText()).isEqualTo(name);
    }

    @Test
    void visibleCharactersStay() throws Exception {
        String name = "Gr\u00fc\u00dfe/\u4f60\u597d-\u0645\u0631-e\u0301-\u20ac\u00a0\u2764\ufe0f";
        assertThat(HiddenCharacters.escaped(name)).isSameAs(name);
        assertThat(Json.text(Map.of("name", name))).contains(name);
        assertThat(Json.MAPPER.writeValueAsBytes(name))
                .isEqualTo(("\"" + name + "\"").getBytes(StandardCharsets.UTF_8));
        assertThat(HiddenCharacters.escaped("\ud83d\ude00\ud840\udc00")).isEqualTo("\ud83d\ude00\ud840\udc00");
    }

    /** The JDK that runs this test may know more format characters than the oldest one, but not fewer. */
    @Test
    void everyFormatCharacterOfTheJdkIsHidden() {
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            int type = Character.getType(c);
            if (type == Character.CONTROL
                    || type == Character.FORMAT
                    || type == Character.LINE_SEPARATOR
                    || type == Character.PARAGRAPH_SEPARATOR
                    || type == Character.SURROGATE) {
                assertThat(HiddenCharacters.contains(c))
                        .as(Integer.toHexString(c))
                        .isTrue();
            } else if (HiddenCharacters.contains(c) && c < 0x40000) {
                assertThat(type)
                        .as(Integer.toHexString(c))
                        .isIn((int) Character.UNASSIGNED, (int) Character.OTHER_LETTER, (int)
                                Character.NON_SPACING_MARK);
            }
        }
    }
}
