package org.bitdiffusion.metrics;

import java.util.List;

/**
 * A caption to be scored, beside what people said of the same image.
 *
 * @param candidate its tokens; none for an empty caption
 * @param references the tokens of at least one caption
 */
public record ScoredCaption(List<String> candidate, List<List<String>> references) {
  public ScoredCaption {
    candidate = List.copyOf(candidate);
    references = references.stream().map(List::copyOf).toList();
    if (references.isEmpty()) {
      throw new IllegalArgumentException("a caption without references cannot be scored");
    }
  }
}
