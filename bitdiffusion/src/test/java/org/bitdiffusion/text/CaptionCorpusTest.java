package org.bitdiffusion.text;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CaptionCorpusTest {
  @TempDir private Path folder;

  private List<String> read(String name, String content) throws Exception {
    var captions = new ArrayList<String>();
    var count =
        new CaptionCorpus(Files.writeString(folder.resolve(name), content)).read(captions::add);
    assertThat(captions).hasSize((int) count);
    return captions;
  }

  @Test
  void readsOneCaptionALine() throws Exception {
    assertThat(read("a.txt", "\ufeffa dog\r\n\n  ein Hündchen \nlast"))
        .containsExactly("a dog", "ein Hündchen", "last");
  }

  @Test
  void readsJsonLines() throws Exception {
    assertThat(
            read(
                "a.jsonl",
                """
                {"image": "1.jpg", "captions": ["a dog", "one dog", ""]}
                {"caption": "a cat", "text": "not this"}

                {"text": "three"}
                """))
        .containsExactly("a dog", "one dog", "a cat", "three");
  }

  @Test
  void readsAnnotations() throws Exception {
    assertThat(
            read(
                "a.json",
                """
                {"info": {"annotations": [{"caption": "not this"}]}, "images": [{"id": 1}],
                 "annotations": [
                   {"image_id": 1, "id": 2, "caption": "a dog\\n", "more": {"caption": "nor this"}},
                   {"caption": "a cat", "image_id": 2}
                 ], "licenses": []}
                """))
        .containsExactly("a dog", "a cat");
  }

  @Test
  void saysWhatIsWrongAndWhere() throws Exception {
    assertBroken("a.txt", " \n\n", "has no captions in it");
    assertBroken("a.json", "{\"annotations\": []}", "has no captions in it");
    assertBroken("a.json", "{\"images\": []}", "no \"annotations\"");
    assertBroken("a.json", "[1]", "no \"annotations\"");
    assertBroken("a.json", "{\"annotations\": [\n{\"caption\": oops}]}", "line 2");
    // Nothing behind what is wrong is left out without a word.
    var two = "{\"annotations\": [{\"caption\": \"a\"},\n%s, {\"caption\": \"b\"}]}";
    for (var wrong : List.of("null", "[]", "\"a\"", "{}", "{\"caption\": 7}")) {
      assertBroken("a.json", two.formatted(wrong), "line 2: an annotation has no \"caption\"");
    }
    assertBroken("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"} {\"text\": \"c\"}", "line 2 is");
    assertThat(read("a.json", "\ufeff{\"annotations\": [{\"caption\": \"a\"}]}"))
        .containsExactly("a");
    assertBroken("a.json", "{\"annotations\": [\n{\"caption\": \"cut", "line 2");
    assertBroken("a.jsonl", "{\"text\": \"a\"}\n{\"caption\" \"b\"}", "line 2 is no JSON");
    assertBroken("a.jsonl", "\n{\"title\": \"a\"}", "line 2 has no \"captions\"");
    assertBroken("a.jsonl", "{\"captions\": [\"a\", 3]}", "line 1: a caption is 3");
    assertThatThrownBy(() -> new CaptionCorpus(folder.resolve("none.txt")).read(c -> {}))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("none.txt cannot be read")
        .hasMessageContaining("does not exist");
    var latin = Files.writeString(folder.resolve("l.txt"), "café\n", ISO_8859_1);
    assertThatThrownBy(() -> new CaptionCorpus(latin).read(c -> {}))
        .isInstanceOf(DataException.class)
        .hasMessageContaining("it is not UTF-8");
    assertThatThrownBy(() -> new CaptionCorpus(folder.resolve("a.csv")))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining("a.csv has no known ending")
        .hasMessageContaining(".json (annotations");
  }

  private void assertBroken(String name, String content, String message) {
    assertThatThrownBy(() -> read(name, content))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(folder.resolve(name).toString())
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(1));
  }
}
