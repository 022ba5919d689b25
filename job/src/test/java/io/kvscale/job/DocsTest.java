package io.kvscale.job;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Checks the Markdown pages of the repository: links, files, commands, packages and page sizes. */
class DocsTest {
    private static final Path TOP = Path.of(System.getProperty("kvscale.top"));
    private static final int README_BYTES = 7_000;
    private static final int PAGE_BYTES = 15_000;
    private static final Set<String> LANGUAGES =
            Set.of("sh", "console", "python", "sql", "java", "json", "yaml", "text", "mermaid");

    /** Options of Spark and vLLM that pages about kvscale's commands name too. */
    private static final Set<String> FOREIGN_OPTIONS = Set.of(
            "--exclude-packages",
            "--files",
            "--jars",
            "--kv-cache-dtype",
            "--kv-cache-dtype-skip-layers",
            "--packages");

    private static final Pattern PATH = Pattern.compile("[\\w.-]+(/[\\w.-]+)*/?");
    private static final Pattern OPTION = Pattern.compile("--[a-z][a-z-]*");
    private static final Pattern RECIPE = Pattern.compile("[\\w-]+\\.yaml");
    private static final Pattern PACKAGE_ROW = Pattern.compile("^\\| \\d+ \\| `([a-z.]+)` \\| ");

    @Test
    void linksAndAnchorsResolve() throws IOException {
        assertThat(problems(DocsTest::brokenLinks)).isEmpty();
    }

    @Test
    void brokenLinksAndAnchorsAreFound(@TempDir Path folder) throws IOException {
        Path page = folder.resolve("page.md");
        Files.writeString(page, "# One title\n[a](page.md#one-title) [b](gone.md) [c](#two) `[d](e)`\n");
        assertThat(brokenLinks(MarkdownPage.read(page))).containsExactly("gone.md", "#two");
    }

    @Test
    void filesThatPagesNameExist() throws IOException {
        assertThat(problems(DocsTest::missingFiles)).isEmpty();
    }

    @Test
    void recipesAndManifestsThatPagesNameExist() throws IOException {
        assertThat(problems(page -> RECIPE.matcher(String.join("\n", lines(page)))
                        .results()
                        .map(match -> match.group())
                        .filter(name -> Stream.of("recipes", "kubernetes")
                                .noneMatch(folder -> Files.exists(
                                        TOP.resolve("conf").resolve(folder).resolve(name))))
                        .toList()))
                .isEmpty();
    }

    @Test
    void commandLinesOfBlocksParse() throws IOException {
        assertThat(problems(page -> page.commandLines().stream()
                        .flatMap(line -> arguments(line).stream())
                        .map(arguments -> misuse(arguments))
                        .filter(problem -> !problem.isEmpty())
                        .toList()))
                .isEmpty();
        assertThat(misuse(List.of("calibrate", "--recipe", "r.yaml", "--in", "x")))
                .contains("--in");
        assertThatThrownBy(() -> subcommand("guess")).hasMessageContaining("guess");
    }

    @Test
    void commandsInSentencesHaveTheirOptions() throws IOException {
        assertThat(problems(page -> page.codeSpans().stream()
                        .filter(span -> span.startsWith("kvscale ") || span.startsWith("./kvscale "))
                        .filter(span -> !knowsOptions(List.of(span.split(" "))))
                        .toList()))
                .isEmpty();
    }

    @Test
    void optionsOnPagesAboutCommandsExist() throws IOException {
        Set<String> known = new TreeSet<>(FOREIGN_OPTIONS);
        commandLine().getSubcommands().values().forEach(command -> known.addAll(options(command)));
        List<Path> about = List.of(TOP.resolve("job/README.md"), TOP.resolve("job/docs"));
        assertThat(problems(page -> about.stream().noneMatch(page.file()::startsWith)
                                || page.file().endsWith("engines.md")
                        ? List.of()
                        : page.codeSpans().stream()
                                .map(span -> span.split(" ")[0])
                                .filter(word -> OPTION.matcher(word).matches() && !known.contains(word))
                                .toList()))
                .isEmpty();
    }

    @Test
    void pagesAreShort() throws IOException {
        assertThat(Files.size(TOP.resolve("README.md"))).isLessThanOrEqualTo(README_BYTES);
        assertThat(problems(page -> page.file().equals(TOP.resolve("CHANGELOG.md")) || size(page.file()) <= PAGE_BYTES
                        ? List.of()
                        : List.of(size(page.file()) + " bytes")))
                .isEmpty();
    }

    @Test
    void blocksHaveAKnownLanguage() throws IOException {
        assertThat(problems(page -> page.blocks().stream()
                        .map(MarkdownPage.Block::language)
                        .filter(language -> !LANGUAGES.contains(language))
                        .toList()))
                .isEmpty();
    }

    @Test
    void readmeBeginsWithTheTwoCommands() throws IOException {
        MarkdownPage.Block first =
                MarkdownPage.read(TOP.resolve("README.md")).blocks().get(0);
        assertThat(first.language()).isEqualTo("sh");
        assertThat(first.lines()).hasSize(2);
        assertThat(first.lines().get(0)).startsWith("./kvscale calibrate ");
        assertThat(first.lines().get(1)).startsWith("mvn ");
    }

    @Test
    void architecturePageNamesEveryPackage() throws IOException {
        Set<String> named = new TreeSet<>();
        for (String line :
                MarkdownPage.read(TOP.resolve("job/docs/architecture.md")).prose()) {
            PACKAGE_ROW.matcher(line).results().forEach(match -> named.add(match.group(1)));
        }
        assertThat(named).isEqualTo(packages());
    }

    @Test
    void libraryPageShowsTheTestedExample() throws IOException {
        String test = Files.readString(TOP.resolve("udfs/src/test/java/io/kvscale/cache/WorkedExampleTest.java"));
        String example = test.substring(
                test.indexOf("// example: begin") + "// example: begin".length(), test.indexOf("// example: end"));
        List<String> javaLines = MarkdownPage.read(TOP.resolve("udfs/docs/library.md")).blocks().stream()
                .filter(block -> block.language().equals("java"))
                .map(block -> String.join("\n", block.lines()).strip())
                .toList();
        assertThat(javaLines).contains(example.stripIndent().strip());
    }

    private static Set<String> packages() throws IOException {
        Set<String> packages = new TreeSet<>();
        for (String module : List.of("udfs", "job")) {
            Path root = TOP.resolve(module + "/src/main/java/io/kvscale");
            try (Stream<Path> files = Files.walk(root)) {
                files.filter(file -> file.endsWith("package-info.java"))
                        .map(file ->
                                root.relativize(file.getParent()).toString().replace('/', '.'))
                        .forEach(packages::add);
            }
        }
        return packages;
    }

    /** The problems that a check finds on all pages, each with the name of the page. */
    private static List<String> problems(Function<MarkdownPage, List<String>> check) throws IOException {
        List<MarkdownPage> pages = MarkdownPage.below(TOP);
        assertThat(pages).hasSizeGreaterThan(10);
        return pages.stream()
                .flatMap(page -> check.apply(page).stream().map(found -> TOP.relativize(page.file()) + ": " + found))
                .toList();
    }

    private static List<String> brokenLinks(MarkdownPage page) {
        return page.links().stream()
                .filter(link -> !link.startsWith("http"))
                .filter(link -> !resolves(page, link))
                .toList();
    }

    private static boolean resolves(MarkdownPage page, String link) {
        String[] parts = link.split("#", 2);
        Path target = parts[0].isEmpty()
                ? page.file()
                : page.file().resolveSibling(parts[0]).normalize();
        if (!Files.exists(target)) {
            return false;
        }
        try {
            return parts.length == 1 || MarkdownPage.read(target).anchors().contains(parts[1]);
        } catch (IOException e) {
            return false;
        }
    }

    /** Paths from the top level that do not exist. Build outputs are not checked. */
    private static List<String> missingFiles(MarkdownPage page) {
        Stream<String> words = Stream.concat(
                page.codeSpans().stream(), page.commandLines().stream().flatMap(line -> Stream.of(line.split(" "))));
        return words.filter(word -> PATH.matcher(word).matches() && word.contains("/"))
                .filter(word -> Files.exists(TOP.resolve(word.substring(0, word.indexOf('/')))))
                .filter(word -> !word.startsWith("out/") && !word.contains("/target/"))
                .filter(word -> !Files.exists(TOP.resolve(word)))
                .toList();
    }

    private static List<String> lines(MarkdownPage page) {
        List<String> lines = new ArrayList<>(page.prose());
        page.blocks().forEach(block -> lines.addAll(block.lines()));
        return lines;
    }

    private static long size(Path file) {
        try {
            return Files.size(file);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /** The kvscale arguments of a command line with the launcher or spark-submit; empty for other programs. */
    private static List<List<String>> arguments(String line) {
        List<String> words = List.of(line.replace("'", "").replace("\"", "").split("\\s+"));
        int program = words.indexOf("./kvscale");
        if (program < 0) {
            program = words.indexOf("job/target/kvscale.jar");
        }
        return program < 0 ? List.of() : List.of(words.subList(program + 1, words.size()));
    }

    private static String misuse(List<String> arguments) {
        try {
            commandLine().parseArgs(arguments.toArray(String[]::new));
            return "";
        } catch (CommandLine.ParameterException e) {
            return arguments.stream().collect(joining(" ")) + ": " + e.getMessage();
        }
    }

    private static boolean knowsOptions(List<String> words) {
        Set<String> known = options(subcommand(words.get(1)));
        return words.stream().filter(word -> word.startsWith("--")).allMatch(known::contains);
    }

    private static CommandLine subcommand(String name) {
        CommandLine found = commandLine().getSubcommands().get(name);
        if (found == null) {
            throw new AssertionError("no such command: " + name);
        }
        return found;
    }

    private static Set<String> options(CommandLine command) {
        return command.getCommandSpec().optionsMap().keySet();
    }

    private static CommandLine commandLine() {
        return new CommandLine(new Main());
    }
}
