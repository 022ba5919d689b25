package io.kvscale.text;

import java.io.Serializable;

/**
 * The fields of a JSON record, or columns of a table, that hold text and strata.
 *
 * @param sampleBy the field of {@link Strata#sample}; empty for none
 * @param statisticsBy the field of {@link Strata#statistics}; empty for none
 */
public record TextFields(
        String text, String messages, String prompt, String completion, String sampleBy, String statisticsBy)
        implements Serializable {
    public static final TextFields DEFAULT = new TextFields("text", "messages", "prompt", "completion");

    /** Fields without strata. */
    public TextFields(String text, String messages, String prompt, String completion) {
        this(text, messages, prompt, completion, "", "");
    }
}
