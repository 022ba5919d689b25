package io.kvscale.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A Markdown page of the repository.
 *
 * @param blocks fenced code blocks in their order
 * @param prose the lines outside of fenced blocks
 */
record MarkdownPage(Path file, List<Block> blocks, List<String> prose) {
    private static final Pattern LINK = Pattern.compile("!?\\[[^\\]]*]\\(([^)\\s]+)\\)");
    private static final Pattern SPAN = Pattern.compile("`([^`]+)`");
    private static final Pattern HEADING = Pattern.compile("#{1,6} +(.*)");

    /**
     * A fenced code block.
     *
     * @param language the word after the fence; empty if there is none
     */
    record Block(String language, List<String> lines) {}

    /** All pages below a folder, except those in build folders and in hidden ones. */
    static List<MarkdownPage> below(Path top) throws IOException {
        try (Stream<Path> files = Files.walk(top)) {
            List<MarkdownPage> pages = new ArrayList<>();
            for (Path file : files.filter(path -> isSource(top.relativize(path)))
                    .filter(path -> path.toString().endsWith(".md"))
                    .sorted()
                    .toList()) {
                pages.add(read(file));
            }
            return pages;
        }
    }

    private static boolean isSource(Path path) {
        for (Path part : path) {
            String name = part.toString();
            if (name.startsWith(".") || name.equals("target") || name.equals("out") || name.equals("node_modules")) {
                return false;
            }
        }
        return true;
    }

    static MarkdownPage read(Path file) throws IOException {
        List<Block> blocks = new ArrayList<>();
        List<String> prose = new ArrayList<>();
        List<String> open = null;
        for (String line : Files.readAllLines(file)) {
            if (line.startsWith("```")) {
                if (open == null) {
                    open = new ArrayList<>();
                    blocks.add(new Block(line.substring(3).strip(), open));
                } else {
                    open = null;
                }
            } else if (open != null) {
                open.add(line);
            } else {
                prose.add(line);
            }
        }
        return new MarkdownPage(file, blocks, prose);
    }

    /** Targets of links and pictures. */
    List<String> links() {
        // Brackets in code spans are not links.
        return matches(LINK, SPAN.matcher(text()).replaceAll("code"));
    }

    /** Texts in backticks. */
    List<String> codeSpans() {
        return matches(SPAN, text());
    }

    private String text() {
        return String.join("\n", prose);
    }

    private static List<String> matches(Pattern pattern, String text) {
        return pattern.matcher(text)
                .results()
                .map(match -> match.group(1).replaceAll("\\s+", " "))
                .toList();
    }

    /** The anchors that GitHub gives to the headings. */
    Set<String> anchors() {
        Set<String> anchors = new LinkedHashSet<>();
        Map<String, Integer> seen = new HashMap<>();
        for (String line : prose) {
            Matcher heading = HEADING.matcher(line);
            if (heading.matches()) {
                String slug = heading.group(1)
                        .toLowerCase(Locale.ROOT)
                        .replaceAll("[^\\p{L}\\p{N} _-]", "")
                        .replace(' ', '-');
                int before = seen.merge(slug, 1, Integer::sum) - 1;
                anchors.add(before == 0 ? slug : slug + "-" + before);
            }
        }
        return anchors;
    }

    /** Command lines of shell blocks, continuation lines joined. */
    List<String> commandLines() {
        return blocks.stream()
                .filter(block ->
                        block.language().equals("sh") || block.language().equals("console"))
                .flatMap(block ->
                        String.join("\n", block.lines()).replace("\\\n", " ").lines())
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
    }
}
