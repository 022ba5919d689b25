package io.kvscale.text;

import com.fasterxml.jackson.databind.JsonNode;
import io.kvscale.jinja.Template;
import io.kvscale.jinja.TemplateException;
import io.kvscale.tensor.DataProblem;
import io.kvscale.tensor.InvalidDataException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model's own chat template, rendered as transformers' {@code apply_chat_template} does: from {@code
 * chat_template.jinja}, {@code chat_template.json} or {@code tokenizer_config.json}, whichever of these comes first.
 */
final class ChatTemplate {
    private static final String CONFIG = "tokenizer_config.json";
    private static final String KEY = "chat_template";

    private final @Nullable Template template;
    private final Map<String, Object> variables = new HashMap<>();
    private final boolean generationPrompt;

    private ChatTemplate(@Nullable Template template, @Nullable JsonNode config, boolean generationPrompt) {
        this.template = template;
        this.generationPrompt = generationPrompt;
        for (String token : List.of("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token")) {
            JsonNode value = config == null ? null : config.get(token);
            if (value != null) {
                JsonNode content = value.isObject() ? value.get("content") : value;
                if (content != null && content.isTextual()) {
                    variables.put(token, content.textValue());
                }
            }
        }
    }

    /** @throws InvalidDataException if a file of the model is broken, or the template is */
    static ChatTemplate open(ModelText model, boolean generationPrompt) {
        JsonNode config = model.json(CONFIG);
        String source = source(model, config);
        try {
            return new ChatTemplate(source == null ? null : Template.parse(source), config, generationPrompt);
        } catch (TemplateException e) {
            throw failed(e);
        }
    }

    private static @Nullable String source(ModelText model, @Nullable JsonNode config) {
        if (model.has(KEY + ".jinja")) {
            return model.text(KEY + ".jinja");
        }
        JsonNode own = model.json(KEY + ".json");
        JsonNode named = own == null ? null : own.get(KEY);
        JsonNode found = named != null || config == null ? named : config.get(KEY);
        if (found == null || found.isNull()) {
            return null;
        }
        if (found.isArray()) {
            for (JsonNode one : found) {
                if ("default".equals(one.path("name").textValue())) {
                    return one.path("template").textValue();
                }
            }
            throw ModelText.problem(CONFIG, "none of its chat templates is named default");
        }
        if (!found.isTextual()) {
            throw ModelText.problem(CONFIG, "its chat_template is not text");
        }
        return found.textValue();
    }

    /** @throws InvalidDataException if there is no template, or it fails for these messages */
    String render(List<Map<String, Object>> messages) {
        if (template == null) {
            throw new InvalidDataException(DataProblem.of(
                    "this is a chat, and the model has no chat template",
                    "put its chat_template.jinja into the folder of --model, or give texts"));
        }
        Map<String, Object> all = new HashMap<>(variables);
        all.put("messages", messages);
        all.put("add_generation_prompt", generationPrompt);
        all.put("tools", null);
        all.put("documents", null);
        try {
            return template.render(all);
        } catch (TemplateException e) {
            throw failed(e);
        }
    }

    private static InvalidDataException failed(TemplateException e) {
        return new InvalidDataException(
                DataProblem.of(
                        "the chat template fails: " + DataProblem.shown(String.valueOf(e.getMessage())),
                        "mend the chat or the template; or render the chats yourself and give them as text, with"
                                + " add_special_tokens: false"),
                e);
    }
}
