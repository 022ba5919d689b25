package io.kvscale.job.spark;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.file.NoSuchFileException;
import org.apache.hadoop.security.AccessControlException;
import org.junit.jupiter.api.Test;

class RetryPolicyTest {
    @Test
    void onlyTemporaryFailuresAreTransient() {
        assertThat(RetryPolicy.isTransient(new SocketTimeoutException())).isTrue();
        assertThat(RetryPolicy.isTransient(new IOException("connection reset"))).isTrue();
        assertThat(RetryPolicy.isTransient(new EOFException())).isFalse();
        assertThat(RetryPolicy.isTransient(new FileNotFoundException())).isFalse();
        assertThat(RetryPolicy.isTransient(new NoSuchFileException("x"))).isFalse();
        assertThat(RetryPolicy.isTransient(new AccessControlException())).isFalse();
    }
}
