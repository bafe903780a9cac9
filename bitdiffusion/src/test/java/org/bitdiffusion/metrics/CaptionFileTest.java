package org.bitdiffusion.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.assertj.core.api.AbstractThrowableAssert;
import org.bitdiffusion.DataException;
import org.bitdiffusion.metrics.CaptionFile.Caption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CaptionFileTest {
  @TempDir private Path folder;

  private Path file(String content) throws IOException {
    return Files.writeString(folder.resolve("captions.json"), content);
  }

  private CaptionFile captions(String name, String content) throws IOException {
    return CaptionFile.read(Files.writeString(folder.resolve(name), content));
  }

  private static AbstractThrowableAssert<?, ? extends Throwable> assertRefused(Path file) {
    return assertThatThrownBy(() -> CaptionFile.read(file))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageNotContaining("\n");
  }

  @Test
  void readsCocosResults() throws IOException {
    var file =
        file(
            """
            [{"image_id": 42, "caption": "A dog."},
             {"image_id": "x", "caption": "", "score": 1}]
            """);
    assertThat(CaptionFile.read(file).captions())
        .containsExactly(
            new Caption("42", "A dog.", "entry 1 (line 1)"),
            new Caption("x", "", "entry 2 (line 2)"));
  }

  @Test
  void readsCocosAnnotations() throws IOException {
    var file =
        file(
            """
            {"info": {"annotations": [1]}, "images": [{"id": 1}, {"id": 2}, {"id": 3}],
             "annotations": [
              {"image_id": 2, "id": 7, "caption": "A dog."},
              {"image_id": 1, "id": 8, "caption": "A cat."},
              {"image_id": 2, "id": 9, "caption": "Some dog."}],
             "licenses": []}
            """);
    assertThat(CaptionFile.read(file).captions())
        .containsExactly(
            new Caption("2", "A dog.", "annotation 1 (line 3)"),
            new Caption("1", "A cat.", "annotation 2 (line 4)"),
            new Caption("2", "Some dog.", "annotation 3 (line 5)"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "\ufeff", "\n \n", "\ufeff\n"})
  void readsLines(String before) throws IOException {
    var file =
        file(
            before
                + """
                {"id": 1, "text": "A dog.", "more": {"id": 5}}

                {"text": "Ein Hündchen", "id": "1"}\r
                {"id": 12345678901234567890, "text": "a\\nb"}""");
    assertThat(CaptionFile.read(file).captions())
        .extracting(Caption::id, Caption::text)
        .containsExactly(
            tuple("1", "A dog."),
            tuple("1", "Ein Hündchen"),
            tuple("12345678901234567890", "a\nb"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          ~~                                                       | holds no captions: it must be
          ~ ~                                                      | holds no captions: it must be
          a dog                                                    | holds no captions: it must be
          id,text                                                  | holds no captions: it must be
          []                                                       | holds no captions
          {"annotations": []}                                      | holds no captions
          {"annotations": {}}                                      | holds no captions
          ~{"images": [],\\n "categories": []}~                    | holds no captions: it must be
          {"id": 1}                                                | line 1: "text" is missing or no text
          ~{"id": 1, "text": "a"}\\n{"text": "a"}~                 | line 2: "id" is missing
          ~{"id": 1, "text": "a"}\\n\\n{"id": null, "text": "a"}~  | line 3: "id" is missing
          ~{"id": 1, "text": "a"}\\n{"id": 1, "text": 5}~          | line 2: "text" is missing or no text
          ~{"id": 1, "text": "a"}\\n{"id": 1, "text": "a"~         | line 2 is no JSON
          ~{"id": 1, "text": "a"\\n{"id": 1, "text": "a"}~         | line 1 is no JSON
          ~{"id": 1, "text": "a"} {"id": 2, "text": "a"}~          | line 1: more follows the caption
          ~{"id": 1, "text": "a"}\\n[]~                            | line 2: "id" is missing
          [{"image_id": 1, "caption": "a"}                         | line 1 is no JSON
          ~[{"image_id": 1,\\n "caption": "a"\\n "b"}]~            | line 3 is no JSON
          ~[{"image_id": 1, "caption": "a"},\\n{"id": 1}]~         | entry 2 (line 2): "image_id" is missing
          [{"image_id": 1}]                                        | entry 1 (line 1): "caption" is missing or no text
          [5]                                                      | entry 1 (line 1): "image_id" is missing
          ~[{"image_id": 1, "caption": "a"}]\\n[]~                 | line 2: the file goes on
          {"annotations": [{"image_id": 1}]}                       | annotation 1 (line 1): "caption" is missing
          {"annotations": [{"image_id": 1, "caption": "a"}         | line 1 is no JSON
          """)
  void saysWhatIsWrongAndWhere(String content, String message) throws IOException {
    assertRefused(file(content.replace("\\n", "\n"))).hasMessageContaining(message);
  }

  @Test
  void aFileThatCannotBeReadIsNamed() throws IOException {
    assertRefused(folder.resolve("none")).hasMessageContaining("does not exist");
    assertRefused(folder).hasMessageContaining("cannot be read");
    var latin = folder.resolve("latin");
    Files.write(latin, "{\"id\": 1, \"text\": \"café\"}".getBytes(StandardCharsets.ISO_8859_1));
    assertRefused(latin).hasMessageContaining("it is not UTF-8");
  }

  @Test
  void bringsCandidatesAndReferencesTogetherWhateverTheirFormats() throws IOException {
    var candidates =
        captions(
            "candidates",
            """
            [{"image_id": 2, "caption": "A dog."}, {"image_id": "1", "caption": "Two cats"}]""");
    var references =
        captions(
            "references",
            """
            {"id": 1, "text": "Cats."}
            {"id": "2", "text": "Dogs!"}
            {"id": 1, "text": "Two cats."}""");
    assertThat(candidates.scoredBy(references, CaptionTokenizer::tokens))
        .containsExactly(
            new ScoredCaption(List.of("a", "dog"), List.of(List.of("dogs"))),
            new ScoredCaption(
                List.of("two", "cats"), List.of(List.of("cats"), List.of("two", "cats"))));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          1 2 1 | 1 2   | holds two candidates for id 1, in line 1 and line 3; keep one
          1 2   | 1 1   | candidates, line 2: id 2 has no reference in
          1     | 1 3 2 | has no candidate for 2 of the 3 ids in
          1     | 1 3 2 | the first is 3 (line 2); as in COCO's evaluation, both must be of the same
          """)
  void candidatesAndReferencesMustBeOfTheSameImages(
      String candidateIds, String referenceIds, String message) throws IOException {
    var candidates = captions("candidates", lines(candidateIds));
    var references = captions("references", lines(referenceIds));
    assertThatThrownBy(() -> candidates.scoredBy(references, CaptionTokenizer::tokens))
        .isInstanceOf(DataException.class)
        .hasMessageStartingWith(candidates.path().toString())
        .hasMessageContaining(message);
  }

  private static String lines(String ids) {
    var lines = new StringBuilder();
    for (var id : ids.split(" ")) {
      lines.append("{\"id\": %s, \"text\": \"a dog\"}\n".formatted(id));
    }
    return lines.toString();
  }

  @Test
  void aTextOfVeryManyWordsIsNoCaption() throws IOException {
    var line = "{\"id\": 1, \"text\": \"%s\"}";
    var one = captions("one.jsonl", line.formatted("a"));
    var many = captions("many.jsonl", line.formatted("a ".repeat(100_001)));
    var blanks = Pattern.compile(" +");
    for (var files : List.of(List.of(one, many), List.of(many, one))) {
      assertThatThrownBy(
              () -> files.get(0).scoredBy(files.get(1), text -> List.of(blanks.split(text))))
          .isInstanceOf(DataException.class)
          .hasMessage(
              folder.resolve("many.jsonl")
                  + ", line 1: a text of 100,001 words is no caption; at most 100,000 are compared");
    }
  }

  @Test
  void oneIsOneHoweverItIsWritten() throws IOException {
    var file =
        file(
            """
            [{"image_id": 1.0, "caption": "a"}, {"image_id": 18446744073709551617, "caption": "b"},
             {"image_id": 1.5, "caption": "c"}, {"image_id": "1.0", "caption": "d"}]
            """);
    assertThat(CaptionFile.read(file).captions())
        .extracting(Caption::id)
        .containsExactly("1", "18446744073709551617", "1.5", "1.0");
  }
}
