package org.bitdiffusion.metrics;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How good captions are, as the COCO caption evaluation (Chen et al., arXiv 1504.00325) scores
 * them, and how varied they are. All lie in 0 .. 1, CIDEr in 0 .. 10, and more is better.
 *
 * @param bleu1 BLEU-1, see {@link #of} for what it is of
 * @param bleu2 BLEU-2
 * @param bleu3 BLEU-3
 * @param bleu4 BLEU-4
 * @param cider CIDEr, in the variant CIDEr-D; published tables often show 100 times it
 * @param rougeL ROUGE-L with beta 1.2
 * @param distinct1 different tokens among all tokens of the candidates (Li et al., arXiv
 *     1510.03055); 0 where there are none
 * @param distinct2 different pairs of neighbours among all such pairs; 0 where there are none
 * @param exactMatch share of the candidates that equal one of their references, token by token
 * @param images number of candidates
 */
public record CaptionScores(
    double bleu1,
    double bleu2,
    double bleu3,
    double bleu4,
    double cider,
    double rougeL,
    double distinct1,
    double distinct2,
    double exactMatch,
    int images) {
  /** Of the scores in {@link #byName}, in their order. */
  public static final List<String> NAMES =
      List.of(
          "bleu_1",
          "bleu_2",
          "bleu_3",
          "bleu_4",
          "cider",
          "rouge_l",
          "distinct_1",
          "distinct_2",
          "exact_match");

  /** The scores by {@link #NAMES}. */
  public Map<String, Double> byName() {
    var values =
        new double[] {bleu1, bleu2, bleu3, bleu4, cider, rougeL, distinct1, distinct2, exactMatch};
    var byName = new LinkedHashMap<String, Double>();
    for (var i = 0; i < values.length; i++) {
      byName.put(NAMES.get(i), values[i]);
    }
    return byName;
  }

  /**
   * Scores captions, one for each image. BLEU is of the corpus, CIDEr, ROUGE-L and exact match are
   * means over images, and their order matters to none. CIDEr takes from the references how rare
   * words are, so it compares only candidates for the same set of images.
   *
   * @param captions at least one
   */
  public static CaptionScores of(List<ScoredCaption> captions) {
    if (captions.isEmpty()) {
      throw new IllegalArgumentException("there are no captions to score");
    }
    var bleu = Bleu.scores(captions);
    return new CaptionScores(
        bleu[0],
        bleu[1],
        bleu[2],
        bleu[3],
        Cider.score(captions),
        RougeL.score(captions),
        distinct(captions, 1),
        distinct(captions, 2),
        exactMatch(captions),
        captions.size());
  }

  private static double distinct(List<ScoredCaption> captions, int n) {
    var different = new HashSet<NGram>();
    var all = 0L;
    for (var caption : captions) {
      var tokens = caption.candidate();
      for (var i = 0; i + n <= tokens.size(); i++) {
        different.add(new NGram(tokens, i, n));
        all++;
      }
    }
    return all == 0 ? 0 : (double) different.size() / all;
  }

  private static double exactMatch(List<ScoredCaption> captions) {
    var matches =
        captions.stream()
            .filter(caption -> caption.references().contains(caption.candidate()))
            .count();
    return (double) matches / captions.size();
  }
}
