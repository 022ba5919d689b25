package io.kvscale.job;

import static org.assertj.core.api.Assertions.assertThat;

import io.kvscale.job.command.ExitCode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
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

    private static void copyModel(Path model) throws IOException {
        Files.createDirectories(model);
        try (Stream<Path> files = Files.list(TINY)) {
            for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
                Files.write(model.resolve(file.getFileName()), Files.readAllBytes(file));
            }
        }
    }
}
