package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class CaptionScoresTest {
  private static final Offset<Double> EXACTLY = within(1e-8);

  /** A caption and its references, tokens separated by blanks. */
  private static ScoredCaption caption(String candidate, String... references) {
    return new ScoredCaption(
        tokens(candidate), Stream.of(references).map(CaptionScoresTest::tokens).toList());
  }

  private static List<String> tokens(String text) {
    return Arrays.stream(text.split(" ")).filter(token -> !token.isEmpty()).toList();
  }

  private static CaptionScores score(ScoredCaption... captions) {
    return CaptionScores.of(List.of(captions));
  }

  @Test
  void scoresAsTheCocoCaptionEvaluationDoes() throws IOException {
    var fixture =
        new ObjectMapper()
            .readTree(CaptionScoresTest.class.getResource("/org/bitdiffusion/caption-scores.json"));
    var captions = new ArrayList<ScoredCaption>();
    for (var example : fixture.path("examples")) {
      var references = new ArrayList<String>();
      example.path("references").forEach(reference -> references.add(reference.textValue()));
      captions.add(
          caption(example.path("candidate").textValue(), references.toArray(String[]::new)));
    }

    var scores = CaptionScores.of(captions);

    var tolerance = within(1e-12);
    var bleu = fixture.path("bleu");
    assertThat(scores.bleu1()).isCloseTo(bleu.path(0).doubleValue(), tolerance);
    assertThat(scores.bleu2()).isCloseTo(bleu.path(1).doubleValue(), tolerance);
    assertThat(scores.bleu3()).isCloseTo(bleu.path(2).doubleValue(), tolerance);
    assertThat(scores.bleu4()).isCloseTo(bleu.path(3).doubleValue(), tolerance);
    assertThat(scores.cider()).isCloseTo(fixture.path("cider").doubleValue(), tolerance);
    assertThat(scores.rougeL()).isCloseTo(fixture.path("rouge_l").doubleValue(), tolerance);
    assertThat(scores.images()).isEqualTo(60);
  }

  @Test
  void perfectCaptionsHaveTheHighestScores() {
    var scores =
        score(
            caption("a cat on a mat", "a cat on a mat", "some cat"),
            caption("two dogs run fast", "two dogs run fast"));
    // The reference beside the perfect one shares a unigram of idf log 2 with the candidate: the
    // vectors are 4 (a twice, cat, on, mat) and 2 (some, cat) unigrams, of squares 7 and 2.
    var cat = 1 / Math.sqrt(7 * 2) * Math.exp(-9 / 72.0) / 4 / 2;
    assertThat(scores.bleu1()).isCloseTo(1, EXACTLY);
    assertThat(scores.bleu4()).isCloseTo(1, EXACTLY);
    assertThat(scores.cider()).isCloseTo(10 * (0.5 + cat + 1) / 2, EXACTLY);
    assertThat(scores.rougeL()).isEqualTo(1);
    assertThat(scores.exactMatch()).isEqualTo(1);
    assertThat(scores.distinct1()).isEqualTo(8 / 9.0);
    assertThat(scores.distinct2()).isEqualTo(1);
  }

  @Test
  void anEmptyCaptionScoresNothing() {
    var scores = score(caption("", "a cat"), caption("", "a dog"));
    assertThat(scores).isEqualTo(new CaptionScores(0, 0, 0, 0, 0, 0, 0, 0, 0, 2));
  }

  @Test
  void anEmptyCaptionIsWhatTheEvaluationMakesOfItWhereTheReferenceIsEmptyToo() {
    var scores = score(caption("", ""), caption("a cat", "a dog"));
    assertThat(scores.rougeL()).isCloseTo((1 + 0.5) / 2, EXACTLY);
    assertThat(scores.exactMatch()).isEqualTo(0.5);
  }

  @Test
  void captionsWithoutACommonWordScoreNothing() {
    var scores = score(caption("a b c d e", "v w x y z"), caption("f g h i j", "q r s t u"));
    assertThat(scores.bleu1()).isCloseTo(0, EXACTLY);
    assertThat(scores.bleu4()).isCloseTo(0, EXACTLY);
    assertThat(scores.cider()).isZero();
    assertThat(scores.rougeL()).isZero();
    assertThat(scores.exactMatch()).isZero();
    assertThat(scores.distinct1()).isEqualTo(1);
  }

  @Test
  void captionsOfOneWordHaveNoLongerNGrams() {
    var scores = score(caption("cat", "cat"), caption("dog", "dog"));
    assertThat(scores.bleu1()).isCloseTo(1, EXACTLY);
    // No bigram was guessed: (0 + 1e-15) / (0 + 1e-9) in the place of a precision.
    assertThat(scores.bleu2()).isCloseTo(Math.sqrt(1e-6), EXACTLY);
    assertThat(scores.bleu3()).isCloseTo(Math.cbrt(1e-12), EXACTLY);
    assertThat(scores.cider()).isCloseTo(10 / 4.0, EXACTLY);
    assertThat(scores.distinct1()).isEqualTo(1);
    assertThat(scores.distinct2()).isZero();
  }

  @Test
  void bleuCountsAnNGramAtMostAsOftenAsOneReferenceHasIt() {
    var scores = score(caption("the the the the", "the cat the", "a the"));
    assertThat(scores.bleu1()).isCloseTo(2 / 4.0, EXACTLY);
  }

  @Test
  void bleuPenalizesBrevityOfTheCorpusAgainstTheClosestReferences() {
    // 3 tokens beside 4 (not 9), and 2 beside 6: 5 beside 10
    var scores =
        score(
            caption("a b c", "a b c d", "a b c d e f g h i"),
            caption("v w", "v w x y z z", "v w x y z z z z"));
    assertThat(scores.bleu1()).isCloseTo(Math.exp(1 - 10 / 5.0), EXACTLY);
    // Too long is no brevity: 6 tokens beside 5.
    assertThat(score(caption("a b c d e f", "a b c", "a b c d e")).bleu1())
        .isCloseTo(5 / 6.0, EXACTLY);
  }

  @Test
  void ofTwoReferencesEquallyCloseInLengthBleuTakesTheShorter() {
    // 3 tokens beside 2 and 4: with 4 the penalty would be exp(1 - 4/3).
    assertThat(score(caption("a b c", "a b c d", "a b")).bleu1()).isCloseTo(1, EXACTLY);
  }

  @Test
  void rougeTakesTheBestPrecisionAndTheBestRecallOfDifferentReferences() {
    // LCS 3 with the first (a b d), of 6 tokens; 2 with the second, of 2 tokens.
    var scores = score(caption("a b c d", "a x b y d z", "b d"));
    var precision = 3 / 4.0;
    var recall = 1.0;
    assertThat(scores.rougeL())
        .isCloseTo(2.44 * precision * recall / (recall + 1.44 * precision), EXACTLY);
  }

  @Test
  void rougeIsOfOrderNotOfNeighbours() {
    assertThat(score(caption("a c e", "a b c d e")).rougeL())
        .isCloseTo(2.44 * 1 * 0.6 / (0.6 + 1.44), EXACTLY);
    assertThat(score(caption("b a", "a b")).rougeL()).isCloseTo(0.5, EXACTLY);
  }

  @Test
  void ciderClipsCountsAndPenalizesLength() {
    // idf is log 2 for all: x = (3 a), y = (1 a, 1 b), clipped to 1 * 1; lengths differ by 1.
    var scores = score(caption("a a a", "a b"), caption("y", "z"));
    var unigrams = 1 / (3 * Math.sqrt(2)) * Math.exp(-1 / 72.0);
    assertThat(scores.cider()).isCloseTo(10 * unigrams / 4 / 2, EXACTLY);
  }

  @Test
  void ciderIgnoresWhatAllImagesHave() {
    var scores = score(caption("a", "a b"), caption("a", "a c"));
    assertThat(scores.cider()).isZero();
    assertThat(score(caption("a b c d", "a b c d")).cider()).isZero();
  }

  @Test
  void distinctCountsOverAllCandidates() {
    var scores = score(caption("a b a b", "x"), caption("a b c", "x"));
    assertThat(scores.distinct1()).isEqualTo(3 / 7.0);
    assertThat(scores.distinct2()).isEqualTo(3 / 5.0);
  }

  @Test
  void noCaptionsAndNoReferencesAreRefused() {
    assertThatThrownBy(() -> CaptionScores.of(List.of()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> caption("a")).isInstanceOf(IllegalArgumentException.class);
  }

  @Provide
  Arbitrary<List<ScoredCaption>> corpora() {
    var sentence = Arbitraries.of("a", "b", "c", "dog", "runs").list().ofMaxSize(8);
    var references = sentence.list().ofMinSize(1).ofMaxSize(4);
    return Combinators.combine(sentence, references)
        .as(ScoredCaption::new)
        .list()
        .ofMinSize(1)
        .ofMaxSize(6);
  }

  @Property(tries = 200)
  void neitherTheOrderOfImagesNorThatOfReferencesMatters(
      @ForAll("corpora") List<ScoredCaption> captions, @ForAll Random random) {
    var shuffled = new ArrayList<ScoredCaption>();
    for (var caption : captions) {
      var references = new ArrayList<>(caption.references());
      Collections.shuffle(references, random);
      shuffled.add(new ScoredCaption(caption.candidate(), references));
    }
    Collections.shuffle(shuffled, random);
    assertThat(CaptionScores.of(shuffled))
        .usingRecursiveComparison()
        .withComparatorForType((a, b) -> Math.abs(a - b) < 1e-12 ? 0 : 1, Double.class)
        .isEqualTo(CaptionScores.of(captions));
  }

  @Property(tries = 200)
  void scoresLieInTheirRanges(@ForAll("corpora") List<ScoredCaption> captions) {
    var scores = CaptionScores.of(captions);
    assertThat(
            List.of(
                scores.bleu1(),
                scores.bleu2(),
                scores.bleu3(),
                scores.bleu4(),
                scores.cider() / 10,
                scores.rougeL(),
                scores.distinct1(),
                scores.distinct2(),
                scores.exactMatch()))
        .allSatisfy(score -> assertThat(score).isBetween(0.0, 1 + 1e-12));
  }

  @Property(tries = 200)
  void aCandidateThatEqualsAReferenceIsPerfectToRouge(
      @ForAll("corpora") List<ScoredCaption> captions) {
    var copies =
        captions.stream()
            .map(caption -> new ScoredCaption(caption.references().get(0), caption.references()))
            .toList();
    var scores = CaptionScores.of(copies);
    assertThat(scores.rougeL()).isCloseTo(1, EXACTLY);
    assertThat(scores.exactMatch()).isEqualTo(1);
  }
}
