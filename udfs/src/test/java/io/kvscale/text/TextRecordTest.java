package io.kvscale.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.tensor.InvalidDataException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TextRecordTest {
    @Test
    void messagesComeBeforeTextAndTextBeforePrompt() {
        String all = "{'prompt': 'p', 'completion': 'c', 'text': 't', 'messages': [{'role': 'user', 'content': 'm'}]}";
        assertThat(read(all)).isEqualTo(chat(Map.of("role", "user", "content", "m")));
        assertThat(read("{'prompt': 'p', 'completion': 'c', 'text': 't', 'messages': null}"))
                .isEqualTo(new TextRecord.Plain("t"));
        assertThat(read("{'prompt': 'p', 'completion': 'c', 'text': null}")).isEqualTo(new TextRecord.Plain("pc"));
        assertThat(read("{'prompt': 'p', 'other': [1]}")).isEqualTo(new TextRecord.Plain("p"));
    }

    @Test
    void messagesOfPromptAndCompletionAreOneChat() {
        assertThat(read("{'prompt': [{'role': 'user', 'content': 'a'}], 'completion': [{'role': 'assistant',"
                        + " 'content': 'b'}]}"))
                .isEqualTo(chat(Map.of("role", "user", "content", "a"), Map.of("role", "assistant", "content", "b")));
    }

    @Test
    void contentMayBeNullOrParts() {
        Map<String, Object> call = new HashMap<>(Map.of("role", "assistant", "tool_calls", List.of(Map.of("n", 1.5))));
        call.put("content", null);
        assertThat(read("{'messages': [{'role': 'assistant', 'content': null, 'tool_calls': [{'n': 1.5}]}]}"))
                .isEqualTo(chat(call));
        assertThat(read("{'messages': [{'role': 'user', 'content': [{'type': 'text', 'text': 'x'}]}]}"))
                .isEqualTo(chat(Map.of("role", "user", "content", List.of(Map.of("type", "text", "text", "x")))));
    }

    @Test
    void fieldNamesComeFromTheRecipe() {
        TextFields fields = new TextFields("body", "turns", "question", "answer");
        assertThat(TextRecord.ofJson("{\"body\": \"b\", \"text\": 1}", fields)).isEqualTo(new TextRecord.Plain("b"));
        assertThat(TextRecord.ofJson("{\"question\": \"q\", \"answer\": \"a\"}", fields))
                .isEqualTo(new TextRecord.Plain("qa"));
        assertThatThrownBy(() -> TextRecord.ofJson("{\"text\": \"t\"}", fields))
                .hasMessageContaining("turns, body and question");
    }

    @Test
    void strataAreStringsOfTheFieldsThatTheRecipeNames() {
        TextFields fields = new TextFields("text", "messages", "prompt", "completion", "language", "domain");
        String strata = "\"language\": \"de\", \"domain\": \" \\né\"";
        assertThat(TextRecord.ofJson("{\"text\": \"t\", " + strata + "}", fields))
                .isEqualTo(new TextRecord.Plain("t", new Strata("de", " \né")));
        String chat = "[{\"role\": \"user\", \"content\": \"m\"}]";
        assertThat(TextRecord.ofJson("{\"messages\": " + chat + ", " + strata + "}", fields)
                        .strata())
                .isEqualTo(TextRecord.ofJson("{\"prompt\": " + chat + ", " + strata + "}", fields)
                        .strata())
                .isEqualTo(new Strata("de", " \né"));
        assertThat(read("{'text': 't', 'language': 1}").strata()).isEqualTo(Strata.NONE);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"text\": \"t\" | the field language, which sample_by names, is missing",
                "\"text\": \"t\", \"language\": null | the field language, which sample_by names, is null",
                "\"text\": \"t\", \"language\": 1 | is a number, not a string",
                "\"text\": \"t\", \"language\": [\"de\"] | is a list, not a string",
                "\"text\": \"t\", \"language\": \"\" | is empty",
                "\"text\": \"t\", \"language\": \"LONG\" | is a text of 201 characters, the maximum is 200",
                "\"text\": \"t\", \"language\": \"\\ud83d\" | unpaired surrogate",
            })
    void otherStrataAreErrors(String record, String cause) {
        TextFields fields = new TextFields("text", "messages", "prompt", "completion", "language", "");
        String json = "{" + record.replace("LONG", "x".repeat(201)) + "}";
        assertThatThrownBy(() -> TextRecord.ofJson(json, fields))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining(cause);
    }

    @Test
    void textsAreUnchanged() {
        assertThat(TextRecord.ofJson("{\"text\": \"\\ud83d\\ude00 {{ x }} \\u0000\\r\\n é\"}", TextFields.DEFAULT))
                .isEqualTo(new TextRecord.Plain("😀 {{ x }} \u0000\r\n é"));
    }

    @Test
    void aNullInATableIsAnAbsentFieldExceptForContent() {
        String json =
                "{\"messages\":[{\"role\":\"user\",\"content\":null,\"name\":null,\"calls\":[{\"id\":null,\"a\":1}]}],"
                        + "\"text\":null}";
        Map<String, Object> message = new HashMap<>();
        message.put("role", "user");
        message.put("content", null);
        message.put("calls", List.of(Map.of("a", 1)));
        assertThat(TextRecord.ofRow(json, TextFields.DEFAULT)).isEqualTo(new TextRecord.Chat(List.of(message)));
        assertThat(((TextRecord.Chat) TextRecord.ofJson(json, TextFields.DEFAULT))
                        .messages()
                        .get(0))
                .containsKey("name");
    }

    @Test
    void aRecordWithTooManyValuesIsRefused() {
        String json = "{\"text\": \"x\", \"y\": [" + "{},".repeat(600_000) + "{}]}";
        assertThatThrownBy(() -> TextRecord.ofJson(json, TextFields.DEFAULT))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("the record exceeds a limit")
                .hasMessageNotContaining("Constraints");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{'text': null}; the field text is null",
                "; found nothing or more than one",
                "null; the record is null, not a JSON object",
                "[]; the record is a list, not a JSON object",
                "1; the record is a number, not a JSON object",
                "x; not valid JSON",
                "{'text': 'x'; not valid JSON",
                "{'text': 'x'} {}; found nothing or more than one",
                "{'text': 'x', 'text': 'y'}; duplicate name",
                "{'text': NaN}; not valid JSON",
                "{text: 'x'}; not valid JSON",
                "{}; has none of the fields messages, text and prompt",
                "{'completion': 'c'}; has none of the fields",
                "{'text': ''}; the text is empty",
                "{'prompt': '', 'completion': ''}; the text is empty",
                "{'text': 1}; the field text is a number, not a string",
                "{'text': ['x']}; the field text is a list",
                "{'prompt': true}; the field prompt is a boolean",
                "{'prompt': 'p', 'completion': []}; the field completion is a list",
                "{'prompt': [{'role': 'user'}], 'completion': 'c'}; the field completion is a string, not a list of messages",
                "{'messages': 'x'}; the field messages is a string, not a list of messages",
                "{'messages': []}; the field messages is empty",
                "{'messages': [1]}; message 1 of messages is a number, not an object",
                "{'messages': [null]}; message 1 of messages is null, not an object",
                "{'messages': [{'role': 'user'}, {'content': 'x'}]}; message 2 of messages has no role",
                "{'messages': [{'role': 1, 'content': 'x'}]}; message 1 of messages has no role",
                "{'messages': [{'role': 'user', 'content': 5}]}; message 1 of messages: content is a number",
                "{'messages': [{'role': 'user', 'content': ['x']}]}; message 1 of messages: content is a list",
                "{'text': '\\ud800'}; surrogate",
                "{'text': '\\ude00\\ud83d'}; surrogate",
                "{'messages': [{'role': 'user', 'content': 'x', 'tool': [{'\\ud83d': 1}]}]}; surrogate"
            })
    void invalidRecordsAreRefused(String json, String what) {
        assertThatThrownBy(() -> read(json == null ? "" : json))
                .isInstanceOfSatisfying(InvalidDataException.class, e -> {
                    assertThat(e.problem().what()).contains(what).doesNotContain("java", "Source", "Feature", "Deser");
                    assertThat(e.problem().remedy()).isNotEmpty();
                    assertThat(e.problem().file()).isNull();
                });
    }

    @Test
    void nestingIsBounded() {
        String deep = "{\"messages\": " + "[".repeat(100_000);
        assertThatThrownBy(() -> TextRecord.ofJson(deep, TextFields.DEFAULT))
                .isInstanceOf(InvalidDataException.class)
                .hasMessageContaining("exceeds a limit");
    }

    private static TextRecord read(String singleQuoted) {
        return TextRecord.ofJson(singleQuoted.replace('\'', '"'), TextFields.DEFAULT);
    }

    @SafeVarargs
    private static TextRecord chat(Map<String, Object>... messages) {
        return new TextRecord.Chat(List.of(messages));
    }
}
