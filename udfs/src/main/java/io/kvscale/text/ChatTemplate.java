package io.kvscale.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.jinja.Template;
import io.kvscale.jinja.TemplateException;
import io.kvscale.json.Json;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A model's chat template, rendered with the variables that transformers sets. Thread-safe. */
final class ChatTemplate {
    private static final List<String> SPECIAL_TOKENS =
            List.of("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");
    private static final String REMEDY =
            "put a chat_template.jinja that supports this chat into the model's folder, or render the chats and"
                    + " calibrate with plain texts";

    private final @Nullable Template template;
    private final String whyNone;
    private final Map<String, Object> variables;

    private ChatTemplate(@Nullable Template template, String whyNone, Map<String, Object> variables) {
        this.template = template;
        this.whyNone = whyNone;
        this.variables = variables;
    }

    /** Reads the files. A missing or broken template is an error of the first chat, not of plain texts. */
    static ChatTemplate read(Path folder, boolean generationPrompt) {
        Path file = folder.resolve("tokenizer_config.json");
        JsonNode config = Files.exists(file) ? ModelJson.object(file) : Json.LENIENT.createObjectNode();
        Map<String, Object> variables = new HashMap<>();
        SPECIAL_TOKENS.forEach(name -> putToken(variables, name, config.get(name)));
        List<String> additional = new ArrayList<>();
        config.path("additional_special_tokens").forEach(token -> additional.add(token(token)));
        if (!additional.isEmpty()) {
            variables.put("additional_special_tokens", additional);
        }
        variables.put("add_generation_prompt", generationPrompt);
        variables.put("tools", null);
        variables.put("documents", null);
        String source = source(folder, config);
        if (source == null) {
            return new ChatTemplate(null, "the record is a chat, but the model has no chat template", variables);
        }
        try {
            return new ChatTemplate(Template.parse(source), "", variables);
        } catch (TemplateException e) {
            return new ChatTemplate(null, failure(e), variables);
        }
    }

    private static void putToken(Map<String, Object> variables, String name, @Nullable JsonNode token) {
        if (token != null && !token.isNull()) {
            variables.put(name, token(token));
        }
    }

    /** A token is a string, or an object with the string in {@code content}. */
    private static String token(JsonNode token) {
        JsonNode content = token.isObject() ? token.path("content") : token;
        if (!content.isTextual()) {
            throw new InvalidDataException(
                    "the model's tokenizer_config.json has a special token without a string content: "
                            + DataProblem.shown(token.toString()),
                    "download the file again from the model's source");
        }
        return content.textValue();
    }

    private static @Nullable String source(Path folder, JsonNode config) {
        Path jinja = folder.resolve("chat_template.jinja");
        if (Files.exists(jinja)) {
            return ModelJson.text(jinja);
        }
        Path json = folder.resolve("chat_template.json");
        JsonNode template = (Files.exists(json) ? ModelJson.object(json) : config).path("chat_template");
        if (template.isArray()) {
            for (JsonNode named : template) {
                if (named.path("name").asText().equals("default")) {
                    return named.path("template").textValue();
                }
            }
        } else if (template.isObject()) {
            return template.path("default").textValue();
        }
        return template.textValue();
    }

    String render(List<Map<String, Object>> messages) {
        if (template == null) {
            throw new InvalidDataException(whyNone, REMEDY);
        }
        Map<String, Object> all = new HashMap<>(variables);
        all.put("messages", messages);
        try {
            return template.render(all);
        } catch (TemplateException e) {
            throw new InvalidDataException(failure(e), REMEDY, e);
        }
    }

    private static String failure(TemplateException e) {
        return "the chat template failed: " + DataProblem.shown(String.valueOf(e.getMessage()));
    }
}
