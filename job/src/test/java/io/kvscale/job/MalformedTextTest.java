package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Files of text that are not what they should be: the error is in kvscale's words, not in those of a library. */
class MalformedTextTest {
    private static final Path TINY = Folder.HOME.resolve("conf/tiny-model");
    private static final byte[] UTF_32 = {0, 0, (byte) 0xfe, (byte) 0xff, 0, 0x11, 0, 0};

    @TempDir
    private Path work;

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] latin1(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }

    static Stream<byte[]> json() {
        return Stream.of(
                utf8("{\"a\": "),
                utf8("{\"a\": 1}}"),
                utf8("{\"a\": 1} {}"),
                utf8("{\"a\" 1}"),
                utf8("{\"a\": [1}"),
                utf8("{'a': 1}"),
                utf8("{a: 1}"),
                utf8("{\"a\": NaN}"),
                utf8("{\"a\": nul}"),
                utf8("{\"a\": 01}"),
                utf8("{\"a\": \"\n\"}"),
                utf8("{\"a\": \"\\x\"}"),
                utf8("{\"a\": \"\\ud8\"}"),
                utf8("{\"a\": 1, \"a\": 1"),
                utf8("{\"a\": \u0000}"),
                utf8("{\"a\": \u202e}"),
                utf8("{\"a\": " + "[".repeat(2000)),
                utf8("{\"a\": " + "9".repeat(2000) + "}"),
                utf8("{\"" + "n".repeat(60_000) + "\": 1}"),
                latin1("{\"a\": \"\u00e9\"}"),
                latin1("{\"\u00ff\": 1}"),
                utf8(""),
                utf8("[]"),
                UTF_32);
    }

    static Stream<byte[]> yaml() {
        return Stream.concat(
                json(),
                Stream.of(
                        utf8("a: !!net.URL [x]"),
                        utf8("a: !!python/object:os.system [x]"),
                        utf8("a: !x y"),
                        utf8("a: !!int x"),
                        utf8("a: !!float x"),
                        utf8("a: !!timestamp x"),
                        utf8("a: !!binary '*'"),
                        utf8("a: !!bool x"),
                        utf8("a: !!set [x]"),
                        utf8("a: !!omap x"),
                        utf8("a: !!pairs x"),
                        utf8("a: !!map x"),
                        utf8("a: !!seq x"),
                        utf8("a: !!null x"),
                        utf8("a: {<<: x}"),
                        utf8("a: *x"),
                        utf8("a: &x [*x]"),
                        utf8("a: b: c"),
                        utf8("a:\n\t- b"),
                        utf8("a: 1\na: 2"),
                        utf8("? [a]\n: b"),
                        utf8("%YAML 3.0\n---\na: b"),
                        utf8("%TAG ! tag:yaml.org,2002:\n---\na: !net.URL b"),
                        utf8("a: \"\\xzz\""),
                        utf8("a: @b"),
                        utf8("a: 2001-99-99"),
                        utf8("a: 'b"),
                        utf8("a: !<tag:yaml.org,2002:js/function> b"),
                        utf8("&a a: " + "[".repeat(100)),
                        utf8("x: &x [1]\ny: [" + "*x,".repeat(100) + "]"),
                        utf8("--- a\n--- b")));
    }

    private static void inOurWords(Cli cli, int code, String file) {
        cli.fails(code, file);
        assertThat(cli.err())
                .doesNotContain(
                        "com.", "org.", "java.", "Exception", "StreamRead", "tag:yaml", "Feature", "Jackson", "null\n");
    }

    private Path file(String name, byte[] bytes) {
        return Capture.put(work.resolve(name), bytes);
    }

    @ParameterizedTest
    @MethodSource("yaml")
    void recipes(byte[] text) {
        Path recipe = file("recipe.yaml", text);
        inOurWords(Cli.run("inspect", Folder.SAMPLE, "--recipe", recipe), ExitCode.USAGE, "recipe.yaml");
    }

    @ParameterizedTest
    @MethodSource("json")
    void scaleTables(byte[] text) {
        Path scales = file("kv_scales.json", text);
        inOurWords(Cli.run("compare", scales, scales), ExitCode.DATA, "kv_scales.json");
    }

    @ParameterizedTest
    @MethodSource("json")
    void captures(byte[] header) {
        ByteBuffer file = ByteBuffer.allocate(8 + header.length).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(header.length).put(header);
        Path capture = file("c.safetensors", file.array());
        inOurWords(Cli.run("inspect", capture), ExitCode.DATA, "c.safetensors");
    }

    @ParameterizedTest
    @MethodSource("json")
    void modelsAndTexts(byte[] text) throws IOException {
        Path model = work.resolve("model");
        Path texts = file("texts/t.jsonl", text);
        for (String name : List.of("config.json", "tokenizer.json", "tokenizer_config.json", "")) {
            copyModel(model);
            if (!name.isEmpty()) {
                Files.write(model.resolve(name), text);
            }
            List<Object> words = new ArrayList<>(List.of("calibrate", "--recipe", Folder.FP8, "--model", model));
            words.addAll(List.of("--output", work.resolve("out"), "--text", name.isEmpty() ? texts : TINY));
            Cli cli = Cli.run(words.toArray());
            inOurWords(cli, ExitCode.DATA, name.isEmpty() ? "" : name);
        }
    }

    /** Lone surrogates and bytes that are not UTF-8, where the text around them is valid. */
    static Stream<byte[]> notCharacters() {
        return Stream.of(
                utf8("{\"text\": \"a \\ud83d b\"}"),
                utf8("{\"text\": \"a \\ude00\\ud83d b\"}"),
                utf8("{\"messages\": [{\"role\": \"user\", \"content\": \"\\ud83d\"}]}"),
                utf8("{\"messages\": [{\"role\": \"\\ud83d\", \"content\": \"a\"}]}"),
                utf8("{\"prompt\": \"\\ud83d\", \"completion\": \"\\ude00\"}"),
                latin1("{\"text\": \"caf\u00e9\"}"),
                latin1("{\"text\": \"\u00ed\u00a0\u0080\"}"),
                latin1("{\"text\": \"\u00c0\u0080\"}"),
                latin1("{\"text\": \"\u00f4\u0090\u0080\u0080\"}"),
                latin1("{\"text\": \"\u00f0\u009f\"}"));
    }

    @ParameterizedTest
    @MethodSource("notCharacters")
    void textsThatAreNotCharacters(byte[] record) {
        Path texts = file("texts/t.jsonl", record);
        inOurWords(
                Cli.run(
                        "calibrate",
                        "--recipe",
                        Folder.FP8,
                        "--model",
                        TINY,
                        "--output",
                        work.resolve("out"),
                        "--text",
                        texts),
                ExitCode.DATA,
                "t.jsonl");
    }

    @ParameterizedTest
    @MethodSource("notCharacters")
    void plainTextsThatAreNotUtf8(byte[] record) {
        Path texts = file("texts/t.txt", record);
        Cli cli = Cli.run(
                "calibrate", "--recipe", Folder.FP8, "--model", TINY, "--output", work.resolve("out"), "--text", texts);
        if (isUtf8(record)) {
            cli.isDone();
        } else {
            inOurWords(cli, ExitCode.DATA, "t.txt");
        }
    }

    private static boolean isUtf8(byte[] bytes) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    static Stream<byte[]> names() {
        return Stream.of(
                utf8("\\ud83d.layers.0.keys"),
                utf8("layers.0.keys\\ude00"),
                latin1("\u00e9.layers.0.keys"),
                latin1("\u00ed\u00a0\u0080.layers.0.keys"));
    }

    /** A name that is not text is an error, or the name of a tensor that is not taken. */
    @ParameterizedTest
    @MethodSource("names")
    void tensorNamesThatAreNotCharacters(byte[] name) {
        ByteArrayOutputStream header = new ByteArrayOutputStream();
        header.writeBytes(utf8("{\""));
        header.writeBytes(name);
        header.writeBytes(utf8("\":{\"dtype\":\"BF16\",\"shape\":[1,1,1,32],\"data_offsets\":[0,64]}}"));
        byte[] json = header.toByteArray();
        ByteBuffer file = ByteBuffer.allocate(8 + json.length + 64).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(json.length).put(json);
        Path capture = file("in/c.safetensors", file.array());
        inOurWords(
                Cli.run("calibrate", "--recipe", Folder.FP8, "--input", capture, "--output", work.resolve("out")),
                ExitCode.DATA,
                "");
    }

    static Stream<byte[]> recipesWithoutCharacters() {
        String recipe = "kv_cache_scheme: {num_bits: 8, type: float}\nkvscale: {key: {tensors: \"%s(?P<layer>.)\"}}\n";
        return Stream.of(
                utf8(recipe.formatted("\\ud83d")),
                utf8(recipe.formatted("\\ude00\\ud83d")),
                utf8(recipe.formatted("\\U00110000")),
                utf8(recipe.formatted("\\Uffffffff")),
                utf8("kv_cache_scheme: {\"\\ud83d\": 8}\n"),
                utf8("kv_cache_scheme: {num_bits: 8, type: \"\\ud83d\"}\n"),
                latin1(recipe.formatted("\u00e9")),
                latin1(recipe.formatted("\u00ed\u00a0\u0080")));
    }

    @ParameterizedTest
    @MethodSource("recipesWithoutCharacters")
    void recipesThatAreNotCharacters(byte[] text) {
        Path recipe = file("recipe.yaml", text);
        inOurWords(Cli.run("inspect", Folder.SAMPLE, "--recipe", recipe), ExitCode.USAGE, "recipe.yaml");
    }

    private static void copyModel(Path model) throws IOException {
        Files.createDirectories(model);
        try (Stream<Path> files = Files.list(TINY)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                Files.write(model.resolve(file.getFileName()), Files.readAllBytes(file));
            }
        }
    }
}
