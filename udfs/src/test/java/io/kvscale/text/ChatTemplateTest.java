package io.kvscale.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateTest {
    private static final List<Map<String, Object>> CHAT =
            List.of(Map.of("role", "user", "content", "{{ 7*7 }} {% raw %} {# x #} &<>\"' \\n"));

    @TempDir
    private Path folder;

    @Test
    void theJinjaFileComesFirstThenTheJsonFileThenTheConfiguration() {
        write("tokenizer_config.json", "{'chat_template': 'config'}");
        assertThat(render()).isEqualTo("config");
        write("chat_template.json", "{'chat_template': 'json'}");
        assertThat(render()).isEqualTo("json");
        write("chat_template.jinja", "jinja\n");
        assertThat(render()).isEqualTo("jinja");
    }

    @Test
    void theDefaultOfSeveralTemplatesIsUsed() {
        write(
                "tokenizer_config.json",
                "{'chat_template': [{'name': 'tool_use', 'template': 'no'}, {'name': 'default', 'template': 'yes'}]}");
        assertThat(render()).isEqualTo("yes");
        write("tokenizer_config.json", "{'chat_template': {'default': 'also'}}");
        assertThat(render()).isEqualTo("also");
    }

    @Test
    void specialTokensAreStringsOrObjects() {
        write(
                "tokenizer_config.json",
                "{'bos_token': '<s>', 'eos_token': {'content': '</s>', 'lstrip': false}, 'pad_token': null,"
                        + " 'additional_special_tokens': ['<a>', {'content': '<b>'}]}");
        write(
                "chat_template.jinja",
                "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}{{ additional_special_tokens }}"
                        + "{{ tools is none }}{{ documents is none }}{{ add_generation_prompt }}");
        assertThat(render()).isEqualTo("<s></s>False['<a>', '<b>']TrueTrueFalse");
        write("tokenizer_config.json", "{'bos_token': {'id': 1}}");
        assertThatThrownBy(this::render).hasMessageContaining("special token without a string content");
    }

    @Test
    void contentsAreNotInterpreted() {
        write("chat_template.jinja", "{% for m in messages %}[{{ m.content }}]{% endfor %}");
        assertThat(render()).isEqualTo("[" + CHAT.get(0).get("content") + "]");
    }

    @Test
    void failuresNameCauseAndRemedy() {
        assertFails("the record is a chat, but the model has no chat template");
        write("tokenizer_config.json", "{'chat_template': null}");
        assertFails("the record is a chat, but the model has no chat template");
        write("chat_template.jinja", "{{ raise_exception('roles must alternate') }}");
        assertFails("the chat template failed: raise_exception: roles must alternate, in line 1");
        write("chat_template.jinja", "a\n{% include 'x' %}");
        assertFails("the chat template failed: the tag 'include' is not supported in chat templates, in line 2");
        write("chat_template.jinja", "{{ messages[0].name.first }}");
        assertFails("the chat template failed: 'name' is undefined, in line 1");
    }

    private void assertFails(String what) {
        assertThatThrownBy(this::render).isInstanceOfSatisfying(InvalidDataException.class, e -> {
            assertThat(e.problem().what()).isEqualTo(what);
            assertThat(e.problem().remedy()).contains("chat_template.jinja");
        });
    }

    private String render() {
        return ChatTemplate.read(folder, false).render(CHAT);
    }

    private void write(String name, String text) {
        TinyTokenizer.write(folder.resolve(name), name.endsWith(".json") ? text.replace('\'', '"') : text);
    }
}
