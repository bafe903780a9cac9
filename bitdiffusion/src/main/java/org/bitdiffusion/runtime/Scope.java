package org.bitdiffusion.runtime;

import java.util.function.Supplier;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;

/**
 * The owner of native memory in all of the project is a {@link PointerScope}: what is made inside
 * is freed at its end, also when an exception flies. This class says how a result leaves a scope.
 */
public final class Scope {
  private Scope() {}

  /**
   * Runs {@code body} in a scope of its own and hands its result to the scope around it, so that
   * intermediate tensors are freed at once and not only at the end of the step. Without a scope
   * around it, the result is the caller's to close.
   */
  public static <P extends Pointer> P result(Supplier<P> body) {
    var outer = PointerScope.getInnerScope();
    try (var inner = new PointerScope()) {
      var result = body.get();
      if (outer != null) {
        outer.attach(result);
      } else {
        result.retainReference();
      }
      return result;
    }
  }

  /**
   * Like {@link #result}, but the result belongs to no scope: the caller owns it and must close it.
   */
  public static <P extends Pointer> P owned(Supplier<P> body) {
    try (var inner = new PointerScope()) {
      var result = body.get();
      result.retainReference();
      return result;
    }
  }
}
