package io.kvscale.text.tokenizer;

import io.kvscale.tensor.InvalidDataException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Checks a regular expression of a tokenizer. The native engine (Oniguruma) backtracks, and aborts the JVM after ten million
 * steps back in one match. The check allows expressions whose steps back in one match are a small multiple of the length
 * of the text, and whose matches take little more time together. These are alternatives of characters, classes and groups:
 *
 * <ul>
 *   <li>At most one open repetition ({@code +}, {@code *}) lies before the last item that can fail.
 *   <li>An alternative that repeats a class before an item that can fail is followed by one that matches the same run, such
 *       as {@code [A-Z]*[a-z]+|[A-Z]+[a-z]*}. Or the class is of spaces or digits, whose runs in a text are bounded.
 * </ul>
 */
final class Regex {
    static final int MAX_LENGTH = 10_000;

    private static final int MAX_CHOICES = 1_000;
    private static final int MAX_SCANS = 20;

    private static final int MAX_DEPTH = 8;
    /** Ends the text of a repetition that is repeated; no other item ends so. */
    private static final String REPEATED = "{}";

    private static final int OPEN = Integer.MAX_VALUE;

    private static final Pattern ESCAPE =
            Pattern.compile("\\\\(?:[pP]\\{\\^?[A-Za-z_ ]{1,40}}|x[0-9A-Fa-f]{2}|x\\{[0-9A-Fa-f]{1,6}}|u[0-9A-Fa-f]{4}"
                    + "|[sSdDwWrntfv]|[^\\p{Alnum}\\s])");
    private static final Pattern ANCHOR = Pattern.compile("[$^]|\\\\[bBAzZ]");
    private static final Pattern GROUP = Pattern.compile("\\((?:\\?(?:[im]{0,2}:|>|=|!|<=|<!))?");
    private static final Pattern TIMES = Pattern.compile("[?*+]|\\{(\\d{1,4})(?:(,)(\\d{1,4})?)?}");
    private static final Pattern RUNS =
            Pattern.compile("\\\\[sd]| |\\[(?:\\\\[rnt])+]|\\\\p\\{N[dlo]?}|\\[0-9]|\\[\\\\p\\{N[dlo]?}]");

    private final String regex;
    private final Part part;
    private final Effort effort;
    private int at;
    private int scans;
    /** Open repetitions within lookarounds, which scan a run at each place where the lookaround is tried. */
    private int lookScans;

    private Regex(String regex, Part part, Effort effort) {
        this.regex = regex;
        this.part = part;
        this.effort = effort;
    }

    /** @return the minimum number of characters that a match has */
    static int check(String regex, Part part, Effort effort) {
        Regex check = new Regex(regex, part, effort);
        List<RegexBranch> branches = check.alternatives(0, false);
        if (check.at < regex.length()) {
            throw check.bad("has a bracket too many");
        }
        if (check.scans > MAX_SCANS) {
            throw check.slow();
        }
        effort.scan(check.scans);
        effort.work(branches.stream().mapToDouble(RegexBranch::steps).sum());
        return branches.stream().mapToInt(RegexBranch::shortest).min().orElse(0);
    }

    private List<RegexBranch> alternatives(int depth, boolean inner) {
        if (depth > MAX_DEPTH) {
            throw bad("nests groups more than " + MAX_DEPTH + " deep");
        }
        List<RegexBranch> branches = new ArrayList<>();
        do {
            branches.add(branch(depth));
        } while (accept('|'));
        for (int i = 0; i < branches.size(); i++) {
            weigh(branches.get(i), inner ? List.of() : branches.subList(i + 1, branches.size()));
        }
        return branches;
    }

    private RegexBranch branch(int depth) {
        List<RegexItem> items = new ArrayList<>();
        long choices = 1;
        int shortest = 0;
        boolean open = false;
        boolean fixed = true;
        while (at < regex.length() && regex.charAt(at) != '|' && regex.charAt(at) != ')') {
            int looks = lookScans;
            RegexItem item = item(depth);
            looks = lookScans - looks;
            if (open && looks > 0) {
                throw slow();
            }
            scans += looks * (int) (Math.min(MAX_CHOICES, choices) - 1);
            items.add(item);
            choices = Math.min(Integer.MAX_VALUE, choices * item.choices());
            shortest = Math.min(1 << 20, shortest + item.min() * item.length());
            open |= item.open();
            fixed &= item.min() == item.max() && item.choices() == 1 && !item.zeroLength();
        }
        if (choices > MAX_CHOICES) {
            throw slow();
        }
        return new RegexBranch(items, shortest, (int) choices, open, fixed && shortest > 0);
    }

    /** Applies the rules of the class comment to one alternative. */
    private void weigh(RegexBranch branch, List<RegexBranch> later) {
        List<RegexItem> items = branch.items();
        int last = items.size() - 1;
        while (last >= 0 && !items.get(last).canFail()) {
            last--;
        }
        int before = 1;
        int backtracking = 0;
        for (int i = 0; i < last; i++) {
            RegexItem item = items.get(i);
            before = Math.min(MAX_CHOICES, before * item.choices());
            if (item.open()) {
                if (item.text().endsWith(REPEATED)) {
                    throw slow();
                }
                scans += before;
                backtracking += item.possessive() ? 0 : 1;
                if (!consumed(later, item.text())) {
                    scanRuns(item);
                }
            }
        }
        if (backtracking > 1) {
            throw slow();
        }
    }

    /** Whether the next alternative matches the whole run; {@code \\s+(?!\\S)} may lie between, which matches all but a space. */
    private static boolean consumed(List<RegexBranch> later, String text) {
        for (RegexBranch branch : later) {
            List<RegexItem> items = branch.items();
            boolean almost = items.size() == 2
                    && items.get(0).open()
                    && items.get(0).text().equals(text)
                    && items.get(1).zeroLength()
                    && items.get(1).text().equals("\\S");
            if (!almost) {
                return consumes(branch, text);
            }
        }
        return false;
    }

    private void scanRuns(RegexItem item) {
        if (!RUNS.matcher(item.text()).matches()) {
            throw slow();
        }
        effort.scanRuns(part);
    }

    /** Whether a branch is optional characters, then one or more of this class, then nothing that can fail. */
    private static boolean consumes(RegexBranch branch, String text) {
        int i = 0;
        while (i < branch.items().size()
                && !branch.items().get(i).open()
                && !branch.items().get(i).canFail()) {
            i++;
        }
        boolean same = i < branch.items().size()
                && branch.items().get(i).open()
                && branch.items().get(i).min() <= 1
                && branch.items().get(i).text().equals(text);
        return same && branch.items().stream().skip(i + 1L).noneMatch(RegexItem::canFail);
    }

    private RegexItem item(int depth) {
        int start = at;
        Matcher anchor = ANCHOR.matcher(regex).region(at, regex.length());
        if (anchor.lookingAt()) {
            at = anchor.end();
            return new RegexItem(anchor.group(), 1, 1, false, true, 0, 1, 1);
        }
        if (regex.charAt(at) == '(') {
            return group(depth);
        }
        character();
        String text = regex.substring(start, at);
        int[] times = times();
        boolean possessive = possessive(times);
        boolean open = times[1] > RegexItem.MAX_BOUNDED;
        // {1,3}+ repeats a repetition: it may not lie before an item that can fail.
        text = regex.startsWith("}+", Math.max(0, at - 2)) ? text + REPEATED : text;
        int choices = open ? 1 : times[1] - times[0] + 1;
        return new RegexItem(text, times[0], times[1], possessive, false, 1, choices, open ? 1 : times[1]);
    }

    private RegexItem group(int depth) {
        Matcher opening = GROUP.matcher(regex).region(at, regex.length());
        if (!opening.lookingAt()
                || opening.end() == at + 1 && regex.startsWith("(?", at)
                || regex.startsWith("(*", at)) {
            throw bad("has a group that kvscale does not know");
        }
        String kind = opening.group();
        boolean look = kind.endsWith("=") || kind.endsWith("!");
        at = opening.end();
        int start = at;
        int looks = lookScans;
        List<RegexBranch> branches = alternatives(depth + 1, true);
        String text = regex.substring(start, at);
        if (!accept(')')) {
            throw bad("has a bracket that is not closed");
        }
        int[] times = times();
        boolean open = branches.stream().anyMatch(RegexBranch::open);
        double steps = branches.stream().mapToDouble(RegexBranch::steps).sum()
                * (times[1] > RegexItem.MAX_BOUNDED ? 1 : times[1]);
        if (look) {
            if (times[1] != 1 || times[0] != 1) {
                throw bad("repeats a lookaround");
            }
            // What a lookaround scans, no match consumes.
            branches.forEach(
                    branch -> branch.items().stream().filter(RegexItem::open).forEach(item -> {
                        scans++;
                        lookScans++;
                        scanRuns(item);
                    }));
            return new RegexItem(text, 1, 1, false, true, 0, 1, steps);
        }
        if (times[1] > 1 && lookScans > looks) {
            throw slow();
        }
        boolean repeatsFixed = branches.size() == 1 && branches.get(0).fixed();
        if (open || times[1] > RegexItem.MAX_BOUNDED && !repeatsFixed) {
            return loose(branches, text, times, steps);
        }
        boolean possessive = possessive(times);
        long alternatives = branches.stream().mapToInt(RegexBranch::choices).sum();
        long choices = times[1] > RegexItem.MAX_BOUNDED
                ? 1
                : (long) Math.pow(alternatives, times[1]) + (times[0] < times[1] ? times[1] - times[0] : 0);
        int shortest = branches.stream().mapToInt(RegexBranch::shortest).min().orElse(0);
        String repeated = repeatsFixed && branches.get(0).items().size() == 1
                ? branches.get(0).items().get(0).text()
                : text;
        return new RegexItem(
                repeated,
                times[0],
                times[1],
                possessive,
                false,
                shortest,
                (int) Math.min(Integer.MAX_VALUE, choices),
                steps);
    }

    /**
     * A group that repeats what is not fixed, such as {@code (?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+}. After an open repetition in
     * it nothing can fail, so a failed repetition only steps back over its own beginning. After the group nothing can fail
     * either: see {@link #REPEATED}.
     */
    private RegexItem loose(List<RegexBranch> branches, String text, int[] times, double steps) {
        if (possessive(times) || !branches.stream().allMatch(RegexBranch::loose)) {
            throw slow();
        }
        scans += branches.stream()
                .mapToInt(branch -> branch.choices()
                        + (int) branch.items().stream().filter(RegexItem::open).count())
                .sum();
        int shortest = branches.stream().mapToInt(RegexBranch::shortest).min().orElse(0);
        return new RegexItem(text + REPEATED, times[0], OPEN, false, false, shortest, 1, steps);
    }

    /** Skips one character, escape or class. */
    private void character() {
        char c = regex.charAt(at);
        if (c == '[') {
            characterClass(0);
        } else if (c == '\\') {
            escape();
        } else if ("?*+{}])".indexOf(c) >= 0) {
            throw bad("has a " + c + " that repeats or closes nothing");
        } else {
            at += Character.charCount(regex.codePointAt(at));
        }
    }

    private void escape() {
        Matcher escape = ESCAPE.matcher(regex).region(at, regex.length());
        if (!escape.lookingAt()) {
            throw bad("has an escape that kvscale does not know");
        }
        at = escape.end();
    }

    private void characterClass(int depth) {
        at++;
        accept('^');
        int first = at;
        while (at < regex.length() && (regex.charAt(at) != ']' || at == first)) {
            if (regex.charAt(at) == '\\') {
                escape();
            } else if (regex.charAt(at) == '[' && !regex.startsWith("[:", at) && depth < MAX_DEPTH) {
                characterClass(depth + 1);
            } else {
                at++;
            }
        }
        if (!accept(']')) {
            throw bad("has a class that is not closed");
        }
    }

    /** The least and the largest number of repetitions. */
    private int[] times() {
        Matcher times = TIMES.matcher(regex).region(at, regex.length());
        if (!times.lookingAt()) {
            return new int[] {1, 1};
        }
        at = times.end();
        switch (times.group()) {
            case "?":
                return new int[] {0, 1};
            case "*":
                return new int[] {0, OPEN};
            case "+":
                return new int[] {1, OPEN};
            default:
                int min = Integer.parseInt(times.group(1));
                int max =
                        times.group(2) == null ? min : times.group(3) == null ? OPEN : Integer.parseInt(times.group(3));
                if (min > RegexItem.MAX_BOUNDED || max < min) {
                    throw bad("repeats something " + times.group() + " times, at most " + RegexItem.MAX_BOUNDED);
                }
                return new int[] {min, max};
        }
    }

    /** Reads the second sign of {@code ++}, {@code *+}, {@code ?+}; after {@code {1,3}} a plus repeats again. */
    private boolean possessive(int[] times) {
        boolean braces = regex.charAt(at - 1) == '}';
        boolean repeated = at < regex.length() && "?*+".indexOf(regex.charAt(at)) >= 0;
        if (!repeated || times[0] == 1 && times[1] == 1 && !braces) {
            return false;
        }
        char sign = regex.charAt(at++);
        if (sign == '*' || sign == '?' && times[1] > RegexItem.MAX_BOUNDED || braces && sign == '?') {
            throw bad("repeats a repetition, or is lazy");
        }
        if (braces) {
            times[1] = OPEN;
            return false;
        }
        return sign == '+';
    }

    private boolean accept(char c) {
        boolean accepted = at < regex.length() && regex.charAt(at) == c;
        at += accepted ? 1 : 0;
        return accepted;
    }

    private InvalidDataException slow() {
        return bad("may take a time that grows with the square of a text's length, or faster");
    }

    private InvalidDataException bad(String why) {
        return part.bad("its regular expression " + why + " (near character " + at + ")");
    }
}
