package io.kvscale.job.spark;

import io.kvscale.input.UserInfo;
import io.kvscale.tensor.DataProblem;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The name of an application in Spark's UI and in the lists of cluster managers: {@code kvscale calibrate IN to OUT}. At most
 * 160 characters; of long paths it has the end. Hidden characters are escapes, and user names and passwords of URLs are left out.
 */
final class ApplicationName {
    private static final int MAX_PATH = 60;

    private ApplicationName() {}

    static String of(String command, List<String> inputs, @Nullable String output) {
        StringBuilder name = new StringBuilder("kvscale ").append(command);
        if (!inputs.isEmpty()) {
            name.append(' ').append(path(inputs.get(0)));
            name.append(inputs.size() == 1 ? "" : " and " + (inputs.size() - 1) + " more");
        }
        return output == null
                ? name.toString()
                : name.append(" to ").append(path(output)).toString();
    }

    private static String path(String given) {
        String path = DataProblem.printable(UserInfo.hidden(given));
        if (path.length() <= MAX_PATH) {
            return path;
        }
        int from = path.length() - MAX_PATH;
        return "..." + path.substring(Character.isLowSurrogate(path.charAt(from)) ? from + 1 : from);
    }
}
