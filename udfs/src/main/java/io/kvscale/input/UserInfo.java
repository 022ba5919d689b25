package io.kvscale.input;

import java.util.regex.Pattern;

/** User names and passwords in URLs, as in {@code hdfs://USER:PASSWORD@HOST/}. */
public final class UserInfo {
    private static final Pattern IN_URL = Pattern.compile("//[^/@\\s\"]*@");

    private UserInfo() {}

    /** The text without them, whatever else it holds. */
    public static String hidden(String text) {
        return IN_URL.matcher(text).replaceAll("//");
    }
}
