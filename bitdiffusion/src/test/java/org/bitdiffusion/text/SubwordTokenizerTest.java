package org.bitdiffusion.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.util.Utils;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.DataException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SubwordTokenizerTest {
  @TempDir private Path folder;

  private static Path resource(String name) throws Exception {
    return Path.of(SubwordTokenizerTest.class.getResource(name).toURI());
  }

  private Path changed(String name, String from, String to) throws Exception {
    var json = Files.readString(resource(name));
    assertThat(json).contains(from);
    return Files.writeString(folder.resolve("tokenizer.json"), json.replace(from, to));
  }

  private static String decode(Tokenizer tokenizer, int... ids) {
    return tokenizer.decode(ids, 0, ids.length);
  }

  /** The likeliest pieces, by hand: of "dogs" ▁do gs (-5.5) and not ▁dog s (-6). */
  @Test
  void unigramsAreTheLikeliestPieces() throws Exception {
    try (var tokenizer = Tokenizer.load(resource("unigram.json"))) {
      assertThat(tokenizer.vocabulary()).isEqualTo(14);
      assertThat(tokenizer.end()).isEqualTo(1);
      assertThat(tokenizer.padding()).isZero();

      var tokens = tokenizer.encode("a dogs run.", 8);
      assertThat(tokens.ids()).containsExactly(3, 5, 11, 8, 13, 1, 0, 0);
      assertThat(tokens.cut()).isFalse();
      assertThat(decode(tokenizer, tokens.ids())).isEqualTo("a dogs run.");
      assertThat(tokenizer.encode("a dog", 3).ids()).containsExactly(3, 4, 1);
      assertThat(tokenizer.token(4)).isEqualTo("▁dog");

      // neither a piece: one unknown for all of them
      assertThat(tokenizer.encode("a cat", 4).ids()).containsExactly(3, 9, 2, 1);
    }
  }

  /** Its loader would otherwise call home, and download for a GPU. */
  @Test
  void theLibraryIsOffline() throws Exception {
    try (var tokenizer = Tokenizer.load(resource("unigram.json"))) {
      assertThat(tokenizer.count("a")).isEqualTo(1);
      assertThat(Utils.isOfflineMode()).isTrue();
    }
  }

  /** The longest piece first, lower case, and no [CLS] though the file's template has it. */
  @Test
  void wordPiecesAreTheLongestOnes() throws Exception {
    try (var tokenizer = Tokenizer.load(resource("wordpiece.json"))) {
      assertThat(tokenizer.vocabulary()).isEqualTo(13);
      assertThat(tokenizer.end()).isEqualTo(3);
      assertThat(tokenizer.padding()).isZero();

      var tokens = tokenizer.encode("Dogs running on a cat.", 12);
      assertThat(tokens.ids()).containsExactly(5, 6, 7, 9, 11, 4, 1, 10, 3, 0, 0, 0);
      assertThat(decode(tokenizer, tokens.ids())).isEqualTo("dogs running on a [UNK].");
      assertThat(tokenizer.encode("dog<new>runn", 5).ids()).containsExactly(5, 12, 7, 8, 3);
      assertThat(tokenizer.count("Dogs running on a cat.")).isEqualTo(8);
    }
  }

  @Test
  void aLongTextIsCutBeforeItsEnd() throws Exception {
    try (var tokenizer = Tokenizer.load(resource("wordpiece.json"))) {
      assertThat(tokenizer.encode("dogs run", 4).cut()).isFalse();
      var cut = tokenizer.encode("dogs run", 3);
      assertThat(cut.cut()).isTrue();
      assertThat(cut.ids()).containsExactly(5, 6, 3);
      assertThat(tokenizer.encode("dogs run", 1).ids()).containsExactly(3);
      assertThat(tokenizer.encode("", 2).ids()).containsExactly(3, 0);
    }
  }

  @Test
  void decodingStopsAtTheFirstEndAndLeavesPaddingOut() throws Exception {
    try (var tokenizer = Tokenizer.load(resource("wordpiece.json"))) {
      assertThat(decode(tokenizer, 4, 0, 5, 6, 3, 7, 99)).isEqualTo("a dogs");
      assertThat(decode(tokenizer, 3)).isEmpty();
      assertThat(tokenizer.decode(new int[] {4, 5, 7, 10}, 1, 2)).isEqualTo("dog run");
      assertThatThrownBy(() -> decode(tokenizer, 4, 13))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("a token is 13, not in 0 to 12");
      assertThatThrownBy(() -> decode(tokenizer, -1)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void textThatSpellsTheEndOrPaddingIsNotIt() throws Exception {
    try (var tokenizer = Tokenizer.load(resource("wordpiece.json"))) {
      // [SEP] is five unknown or known words: [ sep ]
      assertThat(tokenizer.encode("dog[SEP]run[PAD]", 9).ids())
          .containsExactly(5, 1, 1, 1, 7, 1, 1, 1, 3);
    }
  }

  @Test
  void isSavedToTheLastByte() throws Exception {
    var copy = folder.resolve("run/tokenizer.json");
    try (var tokenizer = Tokenizer.of(resource("unigram.json").toString(), List.of(), 0)) {
      tokenizer.save(copy);
    }
    assertThat(copy).hasSameBinaryContentAs(resource("unigram.json"));
    try (var tokenizer = Tokenizer.load(copy)) {
      assertThat(tokenizer.encode("a dog", 3).ids()).containsExactly(3, 4, 1);
    }
  }

  @Test
  void aFileWithoutPaddingPadsWithItsEnd() throws Exception {
    try (var tokenizer = Tokenizer.load(changed("unigram.json", "\"<pad>\"", "\"<filler>\""))) {
      assertThat(tokenizer.padding()).isEqualTo(1);
      assertThat(tokenizer.encode("a dog", 5).ids()).containsExactly(3, 4, 1, 1, 1);
    }
  }

  @Test
  void aFileWithoutAnEndIsRefused() throws Exception {
    var file = changed("unigram.json", "\"</s>\"", "\"</t>\"");
    assertThatThrownBy(() -> Tokenizer.load(file))
        .isInstanceOf(ConfigurationException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining("no token that ends a text")
        .hasMessageContaining("</s>, <|endoftext|>")
        .hasMessageContaining("[SEP]");
  }

  @Test
  void saysWhyAFileIsNoTokenizer() throws Exception {
    assertBroken(Files.writeString(folder.resolve("a.json"), "{\n\"model\": oops}"), "line 2");
    assertBroken(Files.writeString(folder.resolve("b.json"), "{}"), "no model with a vocab");
    assertBroken(Files.writeString(folder.resolve("c.json"), ""), "no model with a vocab");
    assertBroken(changed("wordpiece.json", "\"dog\": 5", "\"dog\": \"5\""), "id of 'dog' is 5");
    assertBroken(changed("wordpiece.json", "\"dog\": 5", "\"dog\": 6"), "both have the id 6");
    assertBroken(changed("wordpiece.json", "BertPreTokenizer", "Bert"), "is no tokenizer");
    assertBroken(folder.resolve("none.json"), "cannot be read");
  }

  /** Of a file that has no token for what is unknown, this is known when there is such a text. */
  @Test
  void aTextWithoutTokensIsRefused() throws Exception {
    try (var tokenizer =
        Tokenizer.load(changed("unigram.json", "\"unk_id\": 2", "\"unk_id\": null"))) {
      assertThatThrownBy(() -> tokenizer.encode("\u2603", 4))
          .isInstanceOf(DataException.class)
          .hasMessageStartingWith("the tokenizer has no tokens for '\u2603': ");
    }
  }

  private static void assertBroken(Path file, String message) {
    assertThatThrownBy(() -> Tokenizer.load(file))
        .isInstanceOf(DataException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(message)
        .satisfies(e -> assertThat(e.getMessage().lines()).hasSize(1));
  }

  @ParameterizedTest
  @ValueSource(strings = {"2147483647", "16777216", "2147483648", "-1", "1.5", "\"1\""})
  void idsOfNoVocabularyAreRefused(String id) throws Exception {
    var file =
        Files.writeString(
            folder.resolve("tokenizer.json"),
            """
            {"version": "1.0",
             "added_tokens": [{"id": 0, "content": "</s>", "special": true, "single_word": false,
                               "lstrip": false, "rstrip": false, "normalized": false}],
             "model": {"type": "BPE", "vocab": {"</s>": 0, "a": %s}, "merges": []}}
            """
                .formatted(id));
    assertThatThrownBy(() -> Tokenizer.load(file))
        .isInstanceOf(DataException.class)
        .hasMessage(
            "%s is damaged: the id of 'a' is %s; it must be 0 to 16777215"
                .formatted(file, id.replace("\"", "")));
  }

  /** A file as CLIP's: lower case, bytes, and tokens that end words. */
  private Path clip(String decoder) throws IOException {
    var names = new ArrayList<String>();
    for (var bytes : new String[] {"", "</w>"}) {
      for (var character : "abdgnoru</>sw'".split("")) {
        names.add(character + bytes);
      }
      names.add("\u00c3" + bytes); // the bytes of \u00e9
      names.add("\u00a9" + bytes);
    }
    names.addAll(List.of("do", "dog</w>", "ru", "run</w>", "<|startoftext|>", "<|endoftext|>"));
    var vocabulary =
        IntStream.range(0, names.size())
            .mapToObj(i -> "\"%s\": %d".formatted(names.get(i), i))
            .collect(Collectors.joining(", "));
    return Files.writeString(
        folder.resolve("clip.json"),
        """
        {"version": "1.0",
         "added_tokens": [
          {"id": 36, "content": "<|startoftext|>", "single_word": false, "lstrip": false,
           "rstrip": false, "normalized": true, "special": true},
          {"id": 37, "content": "<|endoftext|>", "single_word": false, "lstrip": false,
           "rstrip": false, "normalized": false, "special": true}],
         "normalizer": {"type": "Lowercase"},
         "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
          {"type": "Split", "pattern": {"Regex": "'s|\\\\p{L}+|[^\\\\s\\\\p{L}]+"}, "behavior": "Removed",
           "invert": true},
          {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
           "use_regex": true}]},
         "post_processor": null,
         "decoder": %s,
         "model": {"type": "BPE", "unk_token": "<|endoftext|>", "continuing_subword_prefix": "",
          "end_of_word_suffix": "</w>", "vocab": {%s},
          "merges": ["d o", "do g</w>", "r u", "ru n</w>"]}}
        """
            .formatted(decoder, vocabulary));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}",
        "{\"type\": \"BPEDecoder\", \"suffix\": \"</w>\"}"
      })
  void wordsOfClipHaveSpacesBetweenThem(String decoder) throws IOException {
    try (var tokenizer = Tokenizer.load(clip(decoder))) {
      var row = tokenizer.encode("A dog run no", 8);
      assertThat(row.ids()).containsExactly(16, 33, 35, 4, 21, 37, 37, 37);
      assertThat(decode(tokenizer, row.ids())).isEqualTo("a dog run no");
      // The last word is cut off in its middle.
      assertThat(decode(tokenizer, tokenizer.encode("dog, no".replace(",", ""), 3).ids()))
          .isEqualTo("dog n");
      assertThat(decode(tokenizer)).isEmpty();
    }
  }

  /** Also of a letter whose two bytes are two tokens, and of what ends words, written as text. */
  @Test
  void wordsOfClipAreWhole() throws IOException {
    try (var tokenizer =
        Tokenizer.load(
            clip(
                "{\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true, \"use_regex\": true}"))) {
      assertThat(again(tokenizer, "\u00e9d n\u00c9 dog's")).isEqualTo("\u00e9d n\u00e9 dog 's");
      assertThat(again(tokenizer, "a</w> dog")).isEqualTo("a </ w > dog");
      assertThat(again(tokenizer, "<|startoftext|>dog")).isEqualTo("<|startoftext|> dog");
    }
  }

  private static String again(Tokenizer tokenizer, String text) {
    return decode(tokenizer, tokenizer.encode(text, tokenizer.count(text) + 1).ids());
  }

  /** A normalizer makes it of a text that was another one: all of it is text still. */
  @Test
  void textThatBecomesTheEndIsText() throws Exception {
    var lower =
        Files.writeString(
            folder.resolve("lower.json"),
            """
            {"version": "1.0",
             "added_tokens": [
              {"id": 0, "content": "<pad>", "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": true, "special": true},
              {"id": 1, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": true, "special": true}],
             "normalizer": {"type": "Lowercase"},
             "pre_tokenizer": {"type": "WhitespaceSplit"},
             "decoder": {"type": "Fuse"},
             "model": {"type": "BPE", "vocab": {"<pad>": 0, "</s>": 1, "<": 2, "/": 3, "s": 4,
              ">": 5, "a": 6, "</": 7, "s>": 8}, "merges": ["< /", "s >", "</ s>"]}}
            """);
    try (var tokenizer = Tokenizer.load(lower)) {
      for (var text : List.of("a</s>a", "A</S>A")) {
        assertThat(tokenizer.encode(text, 6).ids()).as(text).containsExactly(6, 7, 8, 6, 1, 0);
        assertThat(again(tokenizer, text)).isEqualTo("a</s>a");
      }
      assertThat(tokenizer.token(1)).isEqualTo("</s>");
    }
    // Wide letters, which NFKC makes narrow: pieces of Unigram are the likeliest, and the end is 0.
    try (var tokenizer = Tokenizer.load(resource("unigram.json"))) {
      assertThat(again(tokenizer, "a\uff1c/\uff53\uff1e")).isEqualTo("a<unk>s<unk>");
      assertThat(tokenizer.encode("a</s> dog", 9).ids())
          .isEqualTo(tokenizer.encode("a\uff1c/s\uff1e dog", 9).ids());
    }
  }
}
