package io.kvscale.text;

import java.io.Serializable;

/** The fields of a JSON record, or columns of a table, that hold text. */
public record TextFields(String text, String messages, String prompt, String completion) implements Serializable {
    public static final TextFields DEFAULT = new TextFields("text", "messages", "prompt", "completion");
}
