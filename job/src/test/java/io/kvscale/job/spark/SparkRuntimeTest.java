package io.kvscale.job.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kvscale.input.InvalidOptionException;
import io.kvscale.job.SharedSpark;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Map;
import org.apache.spark.SecurityManager;
import org.apache.spark.SecurityManager$;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.rpc.RpcAddress;
import org.apache.spark.rpc.RpcEndpointRef;
import org.apache.spark.rpc.RpcEnv;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Spark in this JVM: who can reach it, and what is said if it does not start. */
class SparkRuntimeTest {
    @BeforeEach
    void stopTheSharedContext() {
        SharedSpark.stop();
    }

    /** Connects to Spark's port as any process of this machine can. */
    private static RpcEndpointRef connect() {
        SparkConf conf = new SparkConf(false).set("spark.rpc.askTimeout", "5s").set("spark.rpc.lookupTimeout", "5s");
        SecurityManager noSecret = new SecurityManager(
                conf,
                SecurityManager$.MODULE$.$lessinit$greater$default$2(),
                SecurityManager$.MODULE$.$lessinit$greater$default$3());
        RpcEnv stranger = RpcEnv.create("stranger", "127.0.0.1", 0, conf, noSecret, true);
        try {
            int port = SparkEnv.get().rpcEnv().address().port();
            return stranger.setupEndpointRef(new RpcAddress("127.0.0.1", port), "HeartbeatReceiver");
        } finally {
            stranger.shutdown();
            stranger.awaitTermination();
        }
    }

    @Test
    void aProcessWithoutTheSecretIsRefused() {
        try (RunningSpark spark = SparkRuntime.of("local[1]", Map.of()).start()) {
            assertThat(spark.isOurs()).isTrue();
            assertThatThrownBy(SparkRuntimeTest::connect).isInstanceOf(Exception.class);
        }
        // The same connection is accepted if the user turns the secret off.
        try (RunningSpark spark = SparkRuntime.of("local[1]", Map.of("spark.authenticate", "false"))
                .start()) {
            assertThat(spark.isOurs()).isTrue();
            assertThat(connect().name()).isEqualTo("HeartbeatReceiver");
        }
    }

    @Test
    void embeddedSparkKnowsTheMachineAsLoopback() {
        try (RunningSpark spark = SparkRuntime.of(null, Map.of()).start()) {
            assertThat(spark.context().getConf().get("spark.driver.host")).isEqualTo("127.0.0.1");
            assertThat(org.apache.spark.util.Utils.localCanonicalHostName()).isEqualTo("127.0.0.1");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "local[0]",
                "local[x]",
                "local[-1]",
                "local[]",
                "local[1,x]",
                "local[99999999999]",
                "spark://",
                "spark://host",
                "spark://host:port"
            })
    void anInvalidMasterIsRefusedBeforeSparkStarts(String master) {
        assertThatThrownBy(() -> SparkRuntime.of(master, Map.of()))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContainingAll("'" + master + "' is not a Spark master URL", "local[N]");
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "local[1]", "local[*]", "local[2,3]", "local[*, 3]", "spark://a:7077,b:7077"})
    void aValidMasterIsTaken(String master) {
        assertThat(SparkRuntime.of(master, Map.of())).isNotNull();
    }

    @Test
    void aMasterThatDoesNotAnswerIsTheUsersError() throws Exception {
        int port;
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = server.getLocalPort();
            StartErrors.awaitMaster("spark://127.0.0.1:1,127.0.0.1:" + port, 0);
        }
        assertThatThrownBy(() -> StartErrors.awaitMaster("spark://127.0.0.1:" + port, 300))
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContainingAll("spark://127.0.0.1:" + port, "accepts no connections", "--master");
    }

    @Test
    void aFailureThatNamesNoPropertyIsNotTheUsersError() {
        Map<String, String> given = Map.of("spark.a", "x.Y", "spark.b", "12", "spark.c", "some.Class");
        assertThat(SettingErrors.explained(given, new IllegalStateException("spark.a.b, 12, x.Y")))
                .isNull();
        assertThat(SettingErrors.explained(given, new ClassNotFoundException("some.Class$Inner")))
                .isNull();
        assertThat(SettingErrors.explained(
                        given, new RuntimeException(new ClassNotFoundException("Class x.Y not found"))))
                .hasMessageContaining("--conf spark.a=x.Y");
        assertThat(SettingErrors.explained(
                        given, new NumberFormatException("Illegal value for config key spark.b: 12")))
                .hasMessageContaining("--conf spark.b=12");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "spark.executor.memory | abc | spark.executor.memory",
                "spark.task.cpus | 9999 | spark.task.cpus",
                "spark.serializer | absent.Serializer | class not found: absent.Serializer",
                "spark.serializer | java.lang.String | spark.serializer",
                "spark.default.parallelism | abc | spark.default.parallelism=abc",
                "spark.locality.wait | abc | spark.locality.wait=abc",
                "spark.reducer.maxSizeInFlight | abc | spark.reducer.maxSizeInFlight=abc",
                "spark.memory.fraction | 5 | spark.memory.fraction=5",
                "spark.driver.port | 80 | spark.driver.port",
                "spark.local.dir | /proc/absent | /proc/absent cannot be written",
                "spark.master | yarn | spark-submit",
                "spark.master | mesos://host:5050 | not a Spark master URL",
            })
    void settingsThatSparkRefusesAreTheUsersError(String key, String value, String message) {
        assertThatThrownBy(() -> SparkRuntime.of(null, Map.of(key, value)).start())
                .isInstanceOf(InvalidOptionException.class)
                .hasMessageContaining(message);
    }
}
