package org.bitdiffusion.modality.caption;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.data.DataSource;
import org.bitdiffusion.modality.Evaluation;
import org.bitdiffusion.modality.Watch;
import org.bitdiffusion.modality.image.ImageSource;
import org.bitdiffusion.sampling.BeamSearch;

/**
 * Describes images and scores the captions against theirs. Options: {@code captions}, a file to
 * which they are written as well; of autoregressive decoders {@code beams} (captions kept while
 * searching, 1 is greedy) and {@code length_penalty} (captions of n tokens are compared by log p /
 * n^a).
 */
final class CaptionEvaluation implements Evaluation {
  private static final String CAPTIONS = "captions";
  private static final String BEAMS = "beams";
  private static final String LENGTH_PENALTY = "length_penalty";

  @Override
  public List<String> options() {
    return List.of(CAPTIONS, BEAMS, LENGTH_PENALTY);
  }

  @Override
  public Comparison with(DataSource source, int n, Map<String, String> options, Watch watch) {
    requireKnown(options);
    var images =
        source instanceof CaptionData captions
            ? captions.images()
            : source instanceof ImageSource plain ? plain : null;
    if (images == null) {
      throw new ConfigurationException(source.name() + " has no captions to compare with");
    }
    var search =
        options.containsKey(BEAMS) || options.containsKey(LENGTH_PENALTY)
            ? Optional.of(search(options))
            : Optional.<BeamSearch>empty();
    var file = Optional.ofNullable(options.get(CAPTIONS)).map(Path::of);
    var count = n == 0 ? images.size() : Math.min(n, images.size());
    return new CaptionComparison(images, count, search, file);
  }

  private static BeamSearch search(Map<String, String> options) {
    var beams = options.getOrDefault(BEAMS, "1");
    var penalty = options.getOrDefault(LENGTH_PENALTY, "0");
    try {
      var parsed = new BeamSearch(Integer.parseInt(beams), Double.parseDouble(penalty));
      if (Double.isFinite(parsed.lengthPenalty())) {
        return parsed;
      }
    } catch (IllegalArgumentException e) {
      // reported below
    }
    throw new ConfigurationException(
        "beams is %s and length_penalty %s; they must be from 1 to %d and at least 0"
            .formatted(beams, penalty, BeamSearch.MOST_BEAMS));
  }
}
