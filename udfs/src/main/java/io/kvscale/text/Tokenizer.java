package io.kvscale.text;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.kvscale.tensor.InvalidDataException;
import io.kvscale.text.tokenizer.CheckedTokenizer;
import io.kvscale.text.tokenizer.TextLimits;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** A tokenizer.json, run by Hugging Face's tokenizers library. Thread-safe. */
final class Tokenizer implements AutoCloseable {
    /** By default the library truncates at 512 tokens and applies the file's own truncation and padding. */
    private static final Map<String, String> WHOLE = Map.of("truncation", "false", "padding", "false");

    /** Texts of at least this many characters are tokenized one at a time: each takes about 200 bytes per character. */
    private static final int LONG_TEXT = 1 << 20;

    private static final Object LONG_TEXTS = new Object();

    private final HuggingFaceTokenizer tokenizer;
    private final int vocabulary;

    private final TextLimits limits;

    private Tokenizer(HuggingFaceTokenizer tokenizer, int vocabulary, TextLimits limits) {
        this.tokenizer = tokenizer;
        this.vocabulary = vocabulary;
        this.limits = limits;
    }

    /** The texts that it takes; each text must be checked first. */
    TextLimits limits() {
        return limits;
    }

    static Tokenizer open(Path folder, int vocabulary) {
        Path file = folder.resolve("tokenizer.json");
        if (!Files.exists(file)) {
            throw new InvalidDataException(
                    "the model's folder has no tokenizer.json",
                    "copy the model's tokenizer.json into the folder; transformers writes it with"
                            + " AutoTokenizer.from_pretrained(…).save_pretrained(…)");
        }
        byte[] json = ModelJson.bytes(file);
        NativeFiles.keepOutOfHome();
        try {
            CheckedTokenizer checked = CheckedTokenizer.of(json);
            if (checked.largestId() >= vocabulary) {
                throw beyond(checked.largestId(), vocabulary);
            }
            return new Tokenizer(
                    HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(checked.json()), WHOLE),
                    vocabulary,
                    checked.limits());
        } catch (InvalidDataException e) {
            throw e;
        } catch (LinkageError | EngineException e) {
            throw new InvalidDataException(
                    "the tokenizer's native library cannot be loaded on " + System.getProperty("os.name") + " "
                            + System.getProperty("os.arch") + ": " + e.getMessage(),
                    "run on Linux (x86-64, aarch64), macOS (aarch64) or Windows (x86-64), and set -Djava.io.tmpdir"
                            + " to a folder from which libraries can be loaded",
                    e);
        } catch (IOException | RuntimeException e) {
            throw ModelJson.broken(file, "the tokenizer cannot read it: " + e.getMessage());
        }
    }

    int[] ids(String text, boolean specialTokens) {
        long[] wide;
        if (text.length() < LONG_TEXT) {
            wide = encode(text, specialTokens);
        } else {
            synchronized (LONG_TEXTS) {
                wide = encode(text, specialTokens);
            }
        }
        int[] ids = new int[wide.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = Math.toIntExact(wide[i]);
            if (ids[i] >= vocabulary) {
                throw beyond(ids[i], vocabulary);
            }
        }
        return ids;
    }

    /** HuggingFaceTokenizer.encode would also create an object per token. */
    private long[] encode(String text, boolean specialTokens) {
        TokenizersLibrary library = TokenizersLibrary.LIB;
        long handle = tokenizer.getHandle();
        try {
            long encoding = library.encode(handle, text, specialTokens);
            try {
                return library.getTokenIds(encoding);
            } finally {
                library.deleteEncoding(encoding);
            }
        } catch (RuntimeException e) {
            throw new InvalidDataException("the tokenizer failed: " + e.getMessage(), "remove this record", e);
        }
    }

    private static InvalidDataException beyond(int id, int vocabulary) {
        return new InvalidDataException(
                "the tokenizer has token id " + id + ", but the model's embedding has " + vocabulary + " rows (ids 0.."
                        + (vocabulary - 1) + ")",
                "use the tokenizer.json that belongs to this model");
    }

    @Override
    public void close() {
        tokenizer.close();
    }
}
