package io.kvscale.job.merge;

import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;

/**
 * A model folder with scales, as it is to be written. The names are relative to the folder.
 *
 * @param kept the files and folders of the model that stay as they are, by their names in the result
 * @param written the content of new files, and of the model's files that are edited
 * @param skipped layers of the model without scales
 * @param notices what the user should know about the model's folder
 */
public record MergedModel(
        SortedMap<String, Path> kept,
        SortedMap<String, byte[]> written,
        List<Integer> skipped,
        List<String> notices) {}
