package org.bitdiffusion.text;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import org.bitdiffusion.ConfigurationException;
import org.bitdiffusion.io.WholeFile;

/**
 * Learns a byte-pair encoding from captions: a vocabulary that begins with the 256 bytes and grows
 * by the most frequent pair of neighbouring tokens, again and again. Any text can be written in it,
 * and frequent words are one token each.
 *
 * <p>Captions are added one by one, then {@link #learn} is called. The same captions give the same
 * vocabulary, in whatever order they are added: of pairs that are equally frequent, the one of the
 * older tokens is merged.
 */
public final class BytePairTraining {
  /** The smallest vocabulary: two special tokens, the bytes, and one token that is learned. */
  public static final int SMALLEST = 259;

  /** The largest vocabulary: 16 bits. */
  public static final int LARGEST = 65_536;

  private static final List<String> SPECIAL = List.of("<pad>", "</s>");
  private static final String ALPHABET = ByteAlphabet.characters();
  private static final int RARE = 2; // a pair seen less often says nothing about other captions

  private final Map<String, long[]> words = new HashMap<>();

  /** Counts the words of a caption. */
  public void add(String caption) {
    ByteLevelWords.split(caption, word -> words.computeIfAbsent(word, w -> new long[1])[0]++);
  }

  /**
   * Learns as many tokens as there are pairs worth merging.
   *
   * @param vocabulary the most tokens, with the bytes and the special ones; {@value #SMALLEST} to
   *     {@value #LARGEST}
   * @throws ConfigurationException if it is out of range
   */
  public Learned learn(int vocabulary) {
    if (vocabulary < SMALLEST || vocabulary > LARGEST) {
      throw new ConfigurationException(
          "a vocabulary of %,d tokens is not possible; it must be %,d to %,d: 256 bytes, %s, and what is learned"
              .formatted(vocabulary, SMALLEST, LARGEST, String.join(", ", SPECIAL)));
    }
    return new Merging(words).run(vocabulary);
  }

  /**
   * A byte-pair encoding.
   *
   * @param tokens by id, as a tokenizer.json writes them
   * @param merges pairs of token ids, the first to be merged first
   */
  public record Learned(List<String> tokens, List<Merge> merges) {
    /** Writes a {@code tokenizer.json}, which {@link Tokenizer#load} and other programs read. */
    public void save(Path file) {
      WholeFile.write(
          file,
          out ->
              out.write(
                  new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsBytes(json())));
    }

    private ObjectNode json() {
      var root = new ObjectMapper().createObjectNode().put("version", "1.0");
      root.putNull("truncation");
      root.putNull("padding");
      var added = root.putArray("added_tokens");
      for (var id = 0; id < SPECIAL.size(); id++) {
        added
            .addObject()
            .put("id", id)
            .put("content", SPECIAL.get(id))
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", true);
      }
      root.putNull("normalizer");
      byteLevel(root.putObject("pre_tokenizer"));
      root.putNull("post_processor");
      byteLevel(root.putObject("decoder"));
      var model = root.putObject("model").put("type", "BPE");
      model.putNull("dropout");
      model.putNull("unk_token"); // with all bytes at hand, nothing is unknown
      model.putNull("continuing_subword_prefix");
      model.putNull("end_of_word_suffix");
      model.put("fuse_unk", false).put("byte_fallback", false);
      var vocab = model.putObject("vocab");
      for (var id = 0; id < tokens.size(); id++) {
        vocab.put(tokens.get(id), id);
      }
      var pairs = model.putArray("merges");
      for (var merge : merges) {
        pairs.add(tokens.get(merge.left()) + " " + tokens.get(merge.right()));
      }
      return root;
    }

    private static void byteLevel(ObjectNode node) {
      node.put("type", "ByteLevel")
          .put("add_prefix_space", false)
          .put("trim_offsets", true)
          .put("use_regex", true);
    }
  }

  /** Two neighbouring tokens that become one. */
  public record Merge(int left, int right) implements Comparable<Merge> {
    @Override
    public int compareTo(Merge other) {
      return left != other.left
          ? Integer.compare(left, other.left)
          : Integer.compare(right, other.right);
    }
  }

  /** The different words as tokens, and for each pair how often and in which words it occurs. */
  private static final class Merging {
    private final List<String> tokens = new ArrayList<>(SPECIAL);
    private final Map<String, Integer> ids = new HashMap<>();
    private final int[][] words;
    private final long[] counts;
    private final Map<Merge, Occurrences> pairs = new HashMap<>();
    private final PriorityQueue<Candidate> candidates = new PriorityQueue<>();

    Merging(Map<String, long[]> counted) {
      var byteIds = new int[256];
      for (var b = 0; b < 256; b++) {
        byteIds[b] = token(ALPHABET.substring(b, b + 1));
      }
      words = new int[counted.size()][];
      counts = new long[counted.size()];
      var next = 0;
      for (var word : counted.entrySet()) {
        var bytes = word.getKey().getBytes(UTF_8);
        words[next] = new int[bytes.length];
        for (var i = 0; i < bytes.length; i++) {
          words[next][i] = byteIds[Byte.toUnsignedInt(bytes[i])];
        }
        counts[next++] = word.getValue()[0];
      }
      for (var word = 0; word < words.length; word++) {
        for (var i = 0; i + 1 < words[word].length; i++) {
          var found = pairs.computeIfAbsent(pair(word, i), p -> new Occurrences());
          found.count += counts[word];
          found.in(word);
        }
      }
      pairs.forEach((pair, found) -> candidates.add(new Candidate(found.count, pair)));
    }

    /**
     * The id of a token. Two merges may give the same one: a bc and ab c. None gives a special one,
     * as no word holds both letters and brackets.
     */
    private int token(String characters) {
      return ids.computeIfAbsent(
          characters,
          c -> {
            tokens.add(c);
            return tokens.size() - 1;
          });
    }

    private Merge pair(int word, int i) {
      return new Merge(words[word][i], words[word][i + 1]);
    }

    Learned run(int vocabulary) {
      // A pair comes back when another merge makes one of its tokens; its place stays the first.
      var merges = new LinkedHashSet<Merge>();
      while (tokens.size() < vocabulary && !candidates.isEmpty()) {
        var best = candidates.poll();
        var found = pairs.get(best.pair());
        if (found == null || found.count < RARE) {
          continue;
        }
        if (found.count < best.count()) { // merges of its neighbours have taken some
          candidates.add(new Candidate(found.count, best.pair()));
          continue;
        }
        merges.add(best.pair());
        merge(best.pair(), token(tokens.get(best.pair().left()) + tokens.get(best.pair().right())));
      }
      return new Learned(List.copyOf(tokens), List.copyOf(merges));
    }

    private void merge(Merge pair, int token) {
      var grown = new HashSet<Merge>();
      var found = pairs.get(pair);
      for (var i = 0; i < found.size; i++) {
        var word = found.words[i];
        var merged = replace(words[word], pair, token);
        if (merged.length == words[word].length) {
          continue; // it was there once
        }
        for (var at = 0; at + 1 < words[word].length; at++) {
          pairs.get(pair(word, at)).count -= counts[word];
        }
        words[word] = merged;
        for (var at = 0; at + 1 < merged.length; at++) {
          var neighbours = pair(word, at);
          var occurrences = pairs.computeIfAbsent(neighbours, p -> new Occurrences());
          occurrences.count += counts[word];
          if (neighbours.left() == token || neighbours.right() == token) {
            occurrences.in(word);
            grown.add(neighbours);
          }
        }
      }
      pairs.remove(pair);
      for (var neighbours : grown) {
        var occurrences = pairs.get(neighbours);
        if (occurrences != null) {
          candidates.add(new Candidate(occurrences.count, neighbours));
        }
      }
    }

    private static int[] replace(int[] word, Merge pair, int token) {
      var merged = new int[word.length];
      var length = 0;
      for (var i = 0; i < word.length; i++) {
        var both = i + 1 < word.length && word[i] == pair.left() && word[i + 1] == pair.right();
        merged[length++] = both ? token : word[i];
        if (both) {
          i++;
        }
      }
      return Arrays.copyOf(merged, length);
    }
  }

  /** A pair with the number of times that it occurred when it was last looked at. */
  private record Candidate(long count, Merge pair) implements Comparable<Candidate> {
    @Override
    public int compareTo(Candidate other) {
      return count != other.count ? Long.compare(other.count, count) : pair.compareTo(other.pair);
    }
  }

  /** How often a pair occurs in all captions, and the words that have or had it. */
  private static final class Occurrences {
    private long count;
    private int[] words = new int[2];
    private int size;

    void in(int word) {
      if (size > 0 && words[size - 1] == word) {
        return;
      }
      if (size == words.length) {
        words = Arrays.copyOf(words, 2 * size);
      }
      words[size++] = word;
    }
  }
}
