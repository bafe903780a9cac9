package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MetricsCaptionsTest extends CommandTest {
  private static final String RESULTS =
      """
      [{"image_id": 1, "caption": "It's a dog on the beach!"},
       {"image_id": 2, "caption": "Two cats"}]
      """;
  private static final String ANNOTATIONS =
      """
      {"images": [{"id": 1}, {"id": 2}], "annotations": [
       {"image_id": 1, "id": 1, "caption": "A dog runs."},
       {"image_id": 2, "id": 2, "caption": "Two cats."},
       {"image_id": 1, "id": 3, "caption": "it 's a dog on the beach"}]}
      """;

  private int score(String candidates, String references, String... options) throws IOException {
    var args =
        Stream.of(
            "metrics",
            "captions",
            "--candidates",
            Files.writeString(folder.resolve("candidates"), candidates),
            "--references",
            Files.writeString(folder.resolve("references"), references));
    return run(Stream.concat(args, Stream.of(options)).toArray());
  }

  @Test
  void scoresCocosFilesAfterTokenization() throws IOException {
    assertThat(score(RESULTS, ANNOTATIONS, "--json")).as(err.toString()).isZero();

    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.fieldNames())
        .toIterable()
        .containsExactly(
            "bleu_1",
            "bleu_2",
            "bleu_3",
            "bleu_4",
            "cider",
            "rouge_l",
            "distinct_1",
            "distinct_2",
            "exact_match",
            "images");
    assertThat(report.path("bleu_1").doubleValue()).isCloseTo(1, within(1e-8));
    assertThat(report.path("bleu_4").doubleValue()).isCloseTo(1, within(1e-8));
    assertThat(report.path("rouge_l").doubleValue()).isEqualTo(1);
    assertThat(report.path("exact_match").doubleValue()).isEqualTo(1);
    assertThat(report.path("distinct_1").doubleValue()).isEqualTo(1);
    assertThat(report.path("cider").doubleValue()).isBetween(1.0, 10.0);
    assertThat(report.path("images")).hasToString("2");
    assertThat(err.toString()).isEmpty();
  }

  @Test
  void pretokenizedCaptionsAreComparedAsTheyAre() throws IOException {
    assertThat(score(RESULTS, ANNOTATIONS, "--json", "--pretokenized")).isZero();

    var report = new ObjectMapper().readTree(out.toString());
    // "a", "dog", "on" and "the" of 6 tokens, "Two" of 2
    assertThat(report.path("bleu_1").doubleValue())
        .isCloseTo(5 / 8.0 * Math.exp(1 - 9 / 8.0), within(1e-8));
    assertThat(report.path("exact_match").doubleValue()).isZero();
  }

  @Test
  void theTableIsForPeople() throws IOException {
    assertThat(
            score(
                "{\"id\": \"a\", \"text\": \"a b c d\"}",
                "{\"id\": \"a\", \"text\": \"a b\"}\n{\"id\": \"a\", \"text\": \"A, b, x.\"}"))
        .isZero();
    assertThat(out.toString().lines())
        .contains(
            "bleu_1               0.5000",
            "cider                0.0000",
            "images                    1")
        .hasSize(10);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          no JSON                | {"id": 1, "text": "a"} | candidates holds no captions
          {"id": 1, "text": "a"} | []                     | references holds no captions
          {"id": 1, "text": "a"} | {"id": 1}              | references, line 1: "text" is missing
          {"id": 1, "text": "a"} | {"id": 2, "text": "a"} | candidates, line 1: id 1 has no reference in
          """)
  void badFilesAreOneLineAndExitCode1(String candidates, String references, String message)
      throws IOException {
    assertThat(score(candidates, references, "--json")).isEqualTo(1);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).startsWith("bitdiff: ").contains(message);
    assertThat(out.toString()).isEmpty();
  }

  @Test
  void aMissingFileIsOneLineAndExitCode1() {
    var args =
        new String[] {
          "metrics",
          "captions",
          "--candidates",
          folder.resolve("none").toString(),
          "--references",
          "x"
        };
    assertThat(run((Object[]) args)).isEqualTo(1);
    assertThat(err.toString())
        .isEqualTo(
            "bitdiff: %s cannot be read: it or its folder does not exist%n"
                .formatted(folder.resolve("none")));
  }
}
