package io.kvscale.job.history;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * A local file to which lines are appended, under a lock of the operating system. A last line that a crash cut short stays as
 * it is: the next line begins on a line of its own.
 */
record AppendedFile(Path file) implements LineStore {
    /** Java allows a process one lock of a file. */
    private static final Object LOCK = new Object();

    @Override
    public void prepare() throws IOException {
        Path folder = file.toAbsolutePath().getParent();
        if (folder != null) {
            Files.createDirectories(folder);
        }
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            throw new IOException("it is not a regular file");
        }
        try (FileChannel channel = open()) {
            String start = text(channel, 0, (int) Math.min(channel.size(), RunLog.START.length()));
            String first = start.lines().findFirst().orElse("");
            if (!start.isEmpty() && (first.isEmpty() || !RunLog.START.startsWith(first))) {
                throw new IOException("it is not a log of runs: it does not begin with " + RunLog.START);
            }
        }
    }

    private FileChannel open() throws IOException {
        return FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
    }

    @Override
    public List<String> newest() throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long from = Math.max(0, channel.size() - MAX_BYTES);
            String text = text(channel, from, (int) (channel.size() - from));
            return (from == 0 ? text : text.substring(text.indexOf('\n') + 1))
                    .lines()
                    .toList();
        }
    }

    private static String text(FileChannel channel, long from, int length) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(length);
        while (bytes.hasRemaining() && channel.read(bytes, from + bytes.position()) >= 0) {}
        return new String(bytes.array(), 0, bytes.position(), StandardCharsets.UTF_8);
    }

    @Override
    public void add(String line) throws IOException {
        synchronized (LOCK) {
            try (FileChannel channel = open();
                    FileLock lock = channel.lock()) {
                long end = channel.size();
                boolean cut = end > 0 && !text(channel, end - 1, 1).equals("\n");
                ByteBuffer bytes = ByteBuffer.wrap(((cut ? "\n" : "") + line + "\n").getBytes(StandardCharsets.UTF_8));
                try {
                    while (bytes.hasRemaining()) {
                        channel.write(bytes, end + bytes.position());
                    }
                    channel.force(true);
                } catch (IOException e) {
                    channel.truncate(end);
                    throw e;
                }
            }
        }
    }
}
