package io.kvscale.input;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.junit.jupiter.api.Test;

class ReadFailureTest {
    @Test
    void noExceptionNamesItself() {
        assertThat(ReadFailure.reason(new IOException(
                        "Call From a to b failed on connection exception", new ConnectException("refused"))))
                .isEqualTo("the server of its file system does not answer");
        assertThat(ReadFailure.reason(new UnknownHostException("nowhere")))
                .isEqualTo("the server of its file system does not answer");
        assertThat(ReadFailure.reason(new IllegalArgumentException(
                        "java.net.URISyntaxException: Relative path in absolute URI: data:x")))
                .isEqualTo("Relative path in absolute URI: data:x");
        assertThatThrownBy(() -> new Path("s3://bucket/a").getFileSystem(new Configuration()))
                .satisfies(e ->
                        assertThat(ReadFailure.reason(e)).contains("s3a://").contains("hadoop-aws"));
        assertThat(ReadFailure.reason(new IOException())).isEqualTo("the file system gives no reason");
    }
}
