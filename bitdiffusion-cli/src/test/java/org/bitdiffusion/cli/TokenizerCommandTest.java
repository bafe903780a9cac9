package org.bitdiffusion.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import org.bitdiffusion.text.Tokenizer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenizerCommandTest extends CommandTest {
  @BeforeEach
  void writeCaptions() throws IOException {
    Files.writeString(folder.resolve("a.txt"), "a dog runs\na dog sleeps\n");
    Files.writeString(
        folder.resolve("b.jsonl"), "{\"captions\": [\"a dog runs\", \"two dogs sleep\"]}\n");
    Files.writeString(
        folder.resolve("c.json"), "{\"annotations\": [{\"image_id\": 1, \"caption\": \"a dog\"}]}");
    Files.writeString(folder.resolve("blank.txt"), "\n");
  }

  @Test
  void trainsFromAllKindsOfFilesAndShowsTokens() throws IOException {
    var files = "--captions FOLDER/a.txt FOLDER/b.jsonl FOLDER/c.json";
    assertThat(runLine("tokenizer train --vocab 262 " + files + " --out FOLDER/t.json --json"))
        .isZero();
    assertThat(err.toString()).isEmpty();
    var report = new ObjectMapper().readTree(out.toString());
    assertThat(report.path("captions").intValue()).isEqualTo(5);
    assertThat(report.path("vocabulary").intValue()).isEqualTo(262);
    assertThat(report.path("merges").intValue()).isEqualTo(4);

    assertThat(runLine("tokenizer show FOLDER/t.json dog --length 6")).isZero();
    assertThat(err.toString()).isEmpty();
    assertThat(out.toString())
        .contains("K = 262, end 1 </s>, padding 0 <pad>")
        .contains("1  </s>", "0  <pad>", "read back: dog");

    assertThat(runLine("tokenizer show FOLDER/t.json dog --json --length 2")).isZero();
    var shown = new ObjectMapper().readTree(out.toString());
    assertThat(shown.fieldNames())
        .toIterable()
        .containsExactly("text", "ids", "tokens", "cut", "decoded");
    assertThat(shown.path("ids")).hasSize(2);
    assertThat(shown.path("ids").get(1).intValue()).isEqualTo(1);
    assertThat(shown.path("cut").booleanValue())
        .isEqualTo(shown.path("decoded").asText().length() < 3);
  }

  @Test
  void saysWhenCaptionsAreTooFew() {
    assertThat(runLine("tokenizer train --captions FOLDER/a.txt --out FOLDER/t.json")).isZero();
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).contains("of 32768 tokens could be learned");
    try (var tokenizer = Tokenizer.load(folder.resolve("t.json"))) {
      assertThat(tokenizer.vocabulary()).isBetween(259, 300);
      assertThat(out.toString())
          .contains("2 captions: K = " + tokenizer.vocabulary())
          .contains(folder.resolve("t.json").toString());
      assertThat(tokenizer.count("a dog")).isEqualTo(2); // a, and dog with its space
    }
  }

  @Test
  void showsBytesWithoutAFile() {
    assertThat(runLine("tokenizer show bytes é")).isZero();
    assertThat(out.toString()).contains("K = 256", "195  0xc3", "169  0xa9", "read back: é");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          tokenizer                                       | 2 | what to do is missing
          tokenizer train --out FOLDER/t.json             | 2 | --captions
          tokenizer train --captions FOLDER/a.txt         | 2 | --out
          tokenizer train --captions FOLDER/a.txt --out FOLDER/t.json --vocab 258 | 2 | --vocab is 258; it must be 259 to 65536
          tokenizer train --captions FOLDER/a.txt --out FOLDER/t.json --vocab 65537 | 2 | --vocab is 65537
          tokenizer train --captions FOLDER/a.csv --out FOLDER/t.json | 2 | a.csv has no known ending
          tokenizer train --captions FOLDER/none.txt --out FOLDER/t.json | 1 | none.txt cannot be read
          tokenizer train --captions FOLDER/a.txt FOLDER/blank.txt --out FOLDER/t.json | 1 | blank.txt has no captions in it
          tokenizer train --captions FOLDER/a.txt --out FOLDER | 2 | is a folder
          tokenizer train --captions FOLDER/none.txt --out FOLDER/a.txt/t.json | 1 | a.txt is in the way
          tokenizer show FOLDER/none.json a               | 2 | is unknown and no file
          tokenizer show FOLDER/c.json a                  | 1 | c.json is no tokenizer
          tokenizer show words a                          | 2 | words have a vocabulary only with a run
          tokenizer show bytes                            | 2 | TEXT
          tokenizer show bytes a --length 0               | 2 | --length is 0
          """)
  void wrongUsageAndFilesAreOneLine(String line, int code, String message) throws IOException {
    var before = Files.writeString(folder.resolve("t.json"), "before");
    assertThat(runLine(line)).isEqualTo(code);
    assertThat(err.toString().lines()).hasSize(1);
    assertThat(err.toString()).startsWith("bitdiff: ").contains(message);
    assertThat(out.toString()).isEmpty();
    assertThat(before).hasContent("before");
  }

  @Test
  void noTokenizerTakesThePlaceOfItsCaptions() throws IOException {
    var captions = Files.writeString(folder.resolve("c.jsonl"), "{\"text\": \"a dog\"}\n");
    var link = Files.createSymbolicLink(folder.resolve("link.jsonl"), captions);
    for (var out : List.of(captions, link)) {
      assertThat(run("tokenizer", "train", "--captions", captions, "--out", out)).isEqualTo(2);
      assertThat(err.toString()).contains("--out is " + out + ", which is read here");
      assertThat(captions).hasContent("{\"text\": \"a dog\"}\n");
    }
  }
}
