package org.bitdiffusion.data;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The values that one place may have, such as those of a range: what is asked of samples where no
 * single value is given.
 *
 * @param place in row-major order
 * @param spans of values; ordered, and none touches another
 */
public record Allowed(int place, List<Span> spans) {
  /** The values {@code from} to {@code to}, both included. */
  public record Span(int from, int to) {
    public Span {
      if (from < 0 || to < from) {
        throw new IllegalArgumentException("%d to %d are no values".formatted(from, to));
      }
    }
  }

  public Allowed {
    var merged = new ArrayList<Span>();
    for (var span : spans.stream().sorted(Comparator.comparingInt(Span::from)).toList()) {
      var last = merged.isEmpty() ? null : merged.get(merged.size() - 1);
      if (last != null && span.from() - 1 <= last.to()) {
        merged.set(merged.size() - 1, new Span(last.from(), Math.max(last.to(), span.to())));
      } else {
        merged.add(span);
      }
    }
    if (merged.isEmpty()) {
      throw new IllegalArgumentException("no value is allowed");
    }
    spans = List.copyOf(merged);
  }

  /** Whether a value is one of these. */
  public boolean has(int value) {
    return spans.stream().anyMatch(span -> span.from() <= value && value <= span.to());
  }
}
