/** JSON as kvscale writes and reads it. */
@org.jspecify.annotations.NullMarked
package io.kvscale.json;
