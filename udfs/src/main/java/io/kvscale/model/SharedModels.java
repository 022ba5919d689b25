package io.kvscale.model;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** The sessions of this JVM, one per model and {@link Outputs}, kept open between tasks. */
final class SharedModels {
    private record Key(String model, Outputs outputs) {}

    private static final class Held {
        private final ModelSession session;
        private int holders;

        Held(ModelSession session) {
            this.session = session;
        }
    }

    private final Map<Key, Held> sessions = new HashMap<>();

    /** Waits while another task opens the model. */
    synchronized DecoderModel hold(ModelManifest manifest, Outputs outputs, Supplier<ModelSession> open) {
        Key key = new Key(manifest.id(), outputs);
        Held held = sessions.get(key);
        if (held == null) {
            release();
            held = new Held(open.get());
            sessions.put(key, held);
        }
        Held mine = held;
        mine.holders++;
        return new DecoderModel(mine.session, () -> letGo(mine));
    }

    private synchronized void letGo(Held held) {
        held.holders--;
    }

    synchronized void release() {
        List<Held> idle =
                sessions.values().stream().filter(held -> held.holders == 0).toList();
        sessions.values().removeAll(idle);
        idle.forEach(held -> held.session.close());
    }
}
