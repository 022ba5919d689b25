package io.kvscale.job.console;

import io.kvscale.job.merge.ExportedFiles;
import io.kvscale.job.target.ScaleExporter;
import io.kvscale.scheme.table.ScaleTable;
import io.kvscale.tensor.DataProblem;
import java.io.PrintWriter;
import java.util.List;

/**
 * Prints what {@code export} wrote and how to start the engine.
 *
 * @param copy whether the model's files were copied
 */
public record ExportPrinter(PrintWriter out, boolean copy) {
    /**
     * Prints the written files, the hash of the scales, and the command.
     *
     * @param folder the path of the new folder
     * @param written the paths of new and edited files
     */
    public void print(
            ScaleExporter exporter, ScaleTable table, ExportedFiles files, String folder, List<String> written) {
        long layers = table.slots().keySet().stream()
                .mapToInt(slot -> slot.layer())
                .distinct()
                .count();
        out.println("scales of " + layers + (layers == 1 ? " layer" : " layers") + " for " + exporter.engine() + ": "
                + (isMixed(table) ? "several schemes" : ScaleTablePrinter.describe(table.scheme())));
        written.forEach(path -> out.println("wrote " + DataProblem.printable(path)));
        int kept = files.kept().size();
        if (kept > 0) {
            out.println((copy ? "copied " : "linked ") + kept + (kept == 1 ? " file" : " files") + " of the model");
        }
        out.println("scales_sha256 " + table.sha256());
        String start = exporter.start(kept > 0 ? quoted(folder) : "MODEL", table.scheme(), files.skipped());
        if (start != null) {
            out.println((kept > 0 ? "start with: " : "after merging them into MODEL, start with: ") + start);
        }
    }

    private static boolean isMixed(ScaleTable table) {
        return table.slots().values().stream()
                .anyMatch(scales -> !scales.scheme().equals(table.scheme()));
    }

    /** A path as a word of a shell. */
    private static String quoted(String path) {
        return path.matches("[\\w./:@=+,-]+") ? path : "'" + DataProblem.printable(path.replace("'", "'\\''")) + "'";
    }
}
