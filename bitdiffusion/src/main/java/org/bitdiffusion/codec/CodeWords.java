package org.bitdiffusion.codec;

import static org.bytedeco.pytorch.global.torch.baddbmm;
import static org.bytedeco.pytorch.global.torch.bmm;
import static org.bytedeco.pytorch.global.torch.cat;
import static org.bytedeco.pytorch.global.torch.index_select;
import static org.bytedeco.pytorch.global.torch.logsumexp;
import static org.bytedeco.pytorch.global.torch.softmax;
import static org.bytedeco.pytorch.global.torch.softplus;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * What the codes of symbols are, and how likely each is before anything is seen: the bits of one
 * symbol are neither independent nor fair, and how they depend on each other is known from the
 * symbol's frequencies. A word is a set of codes: it fixes the first bits of a symbol and leaves
 * the others free, which are fair and independent given the first. Log-odds l_j that something says
 * of each bit by itself become
 *
 * <pre>
 * p(word v) ~ share_v * product over fixed j of exp(c_vj l_j / 2) * product over free j of cosh(l_j / 2)
 * </pre>
 *
 * which is Bayes' rule: exact where l is what noise has left of the bits. Codes that no word holds
 * have no probability. Symbols with as many bits and about as many words are computed together.
 */
public final class CodeWords {
  /** Of divergences. */
  private static final double ROUNDING = 1e-12;

  /** Of the logarithm of a probability that is none. */
  private static final float NEVER = -1e9f;

  private final List<Group> groups;

  /** Of each bit [D], where it is in the groups one after the other. */
  private final long[] back;

  private CodeWords(List<Group> groups, long[] back) {
    this.groups = groups;
    this.back = back;
  }

  /**
   * The words of one symbol.
   *
   * @param bits n
   * @param fixed how many of its bits each word fixes, from the first on
   * @param codes these bits, the last one in the lowest place
   * @param shares of the words, which add up to 1
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  record OfSymbol(int bits, int[] fixed, int[] codes, double[] shares) {
    /**
     * Words for numbers in Gray's code: as few as tell how likely the numbers are.
     *
     * @param bits n
     * @param likelihoods of what the first bits of the number are, 2 to the power of how many, up
     *     to a factor
     * @param tolerance how far, in nats of its Kullback-Leibler divergence, what is told may be
     *     from these
     */
    static OfSymbol ofGray(int bits, double[] likelihoods, double tolerance) {
      var words = new ArrayList<int[]>(); // how many bits, and the number of these bits
      var shares = new ArrayList<Double>();
      var total = Arrays.stream(likelihoods).sum();
      collect(likelihoods, tolerance, 0, 0, words, shares);
      return new OfSymbol(
          bits,
          words.stream().mapToInt(word -> word[0]).toArray(),
          words.stream().mapToInt(word -> Intervals.gray(word[1])).toArray(),
          shares.stream().mapToDouble(share -> share / total).toArray());
    }

    /** Numbers that begin alike are one word if each is as likely as the other. */
    private static void collect(
        double[] likelihoods,
        double tolerance,
        int fixed,
        int number,
        List<int[]> words,
        List<Double> shares) {
      var each = likelihoods.length >> fixed;
      var own = Arrays.copyOfRange(likelihoods, number * each, (number + 1) * each);
      var share = Arrays.stream(own).sum();
      if (share <= 0) {
        return;
      }
      if (fromUniform(own, share) <= Math.max(tolerance, ROUNDING)) {
        words.add(new int[] {fixed, number});
        shares.add(share);
        return;
      }
      collect(likelihoods, tolerance, fixed + 1, 2 * number, words, shares);
      collect(likelihoods, tolerance, fixed + 1, 2 * number + 1, words, shares);
    }

    /** The Kullback-Leibler divergence of parts of a share from equal ones, in nats. */
    private static double fromUniform(double[] parts, double share) {
      var divergence = 0.0;
      for (var part : parts) {
        var p = part / share;
        divergence += p > 0 ? p * Math.log(p * parts.length) : 0;
      }
      return divergence;
    }

    /** The mean of -log p over the codes, in nats. */
    double entropy() {
      var entropy = 0.0;
      for (var v = 0; v < shares.length; v++) {
        entropy += shares[v] * ((bits - fixed[v]) * Math.log(2) - Math.log(shares[v]));
      }
      return entropy;
    }

    /** Words of {@link Group} that have room for these. */
    int room() {
      return Integer.highestOneBit(Math.max(1, 2 * shares.length - 1));
    }
  }

  /**
   * Symbols [S] that have as many bits n and room for as many words V.
   *
   * @param places of their bits, [S, n]
   * @param words [S, V, 2n]: -1 and 1 where a bit is fixed, then 1 where it is free, else 0
   * @param logShares [S, 1, V]
   * @param entropies [S]
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  private record Group(
      int symbols, int bits, long[] places, float[] words, float[] logShares, float[] entropies) {

    static Group of(List<OfSymbol> symbols, List<Integer> firsts) {
      var n = symbols.get(0).bits;
      var room = symbols.get(0).room();
      var places = new long[symbols.size() * n];
      var words = new float[symbols.size() * room * 2 * n];
      var logShares = new float[symbols.size() * room];
      var entropies = new float[symbols.size()];
      Arrays.fill(logShares, NEVER);
      for (var s = 0; s < symbols.size(); s++) {
        var symbol = symbols.get(s);
        entropies[s] = (float) symbol.entropy();
        for (var j = 0; j < n; j++) {
          places[s * n + j] = firsts.get(s) + j;
        }
        for (var v = 0; v < symbol.shares.length; v++) {
          logShares[s * room + v] = (float) Math.log(symbol.shares[v]);
          var at = (s * room + v) * 2 * n;
          for (var j = 0; j < n; j++) {
            if (j < symbol.fixed[v]) {
              words[at + j] = (symbol.codes[v] >> (symbol.fixed[v] - 1 - j) & 1) == 1 ? 1 : -1;
            } else {
              words[at + n + j] = 1;
            }
          }
        }
      }
      return new Group(symbols.size(), n, places, words, logShares, entropies);
    }

    /** The bits of these symbols, [S, B, n], of all bits [B, D]. */
    Tensor own(Tensor all) {
      var index = Tensor.create(places, places.length).to(all.device(), torch.ScalarType.Long);
      return index_select(all, 1, index).view(all.size(0), symbols, bits).transpose(0, 1);
    }

    /** Of [S, B, n], for all groups to be put side by side: [B, S n]. */
    Tensor flat(Tensor own) {
      return own.transpose(0, 1).reshape(own.size(1), (long) symbols * bits);
    }

    Tensor words(Device device) {
      return Tensor.create(words, symbols, words.length / symbols / 2 / bits, 2 * bits)
          .to(device, torch.ScalarType.Float);
    }

    /** The logarithms of the formula above, [S, B, V], from half of the log-odds [S, B, n]. */
    Tensor logits(Tensor half, Tensor words) {
      var shares =
          Tensor.create(logShares, symbols, 1, logShares.length / symbols)
              .to(half.device(), torch.ScalarType.Float);
      return baddbmm(shares, cat(new TensorVector(half, logCosh(half)), 2), words.transpose(1, 2));
    }

    /** log cosh x = |x| + log(1 + exp(-2 |x|)) - log 2, which is finite. */
    private static Tensor logCosh(Tensor x) {
      var size = x.abs();
      return size.add(softplus(size.mul(new Scalar(-2)))).sub(new Scalar(Math.log(2)));
    }
  }

  /**
   * The words of symbols whose bits lie side by side.
   *
   * @param symbols in the order of their bits; one of no bits has no use
   */
  static CodeWords of(List<OfSymbol> symbols) {
    var together = new LinkedHashMap<List<Integer>, List<Integer>>();
    var firsts = new ArrayList<Integer>();
    var total = 0;
    for (var s = 0; s < symbols.size(); s++) {
      var symbol = symbols.get(s);
      firsts.add(total);
      total += symbol.bits;
      if (symbol.bits > 0) {
        together
            .computeIfAbsent(List.of(symbol.bits, symbol.room()), key -> new ArrayList<>())
            .add(s);
      }
    }
    var groups =
        together.values().stream()
            .map(
                members ->
                    Group.of(
                        members.stream().map(symbols::get).toList(),
                        members.stream().map(firsts::get).toList()))
            .toList();
    var back = new long[total];
    var at = 0;
    for (var group : groups) {
      for (var place : group.places) {
        back[(int) place] = at++;
      }
    }
    return new CodeWords(groups, back);
  }

  /** The mean of each bit -1 or 1, [B, D], from what is said of each by itself, log-odds [B, D]. */
  public Tensor means(Tensor logOdds) {
    var means = new TensorVector();
    for (var group : groups) {
      var half = group.own(logOdds).mul(new Scalar(0.5));
      var words = group.words(logOdds.device());
      var mean = bmm(softmax(group.logits(half, words), 2), words); // of what is fixed, and free
      var n = group.bits;
      means.push_back(group.flat(mean.narrow(2, 0, n).add(mean.narrow(2, n, n).mul(half.tanh()))));
    }
    return inOrder(cat(means, 1));
  }

  /**
   * -log p of each symbol's code in nats, spread over its bits, [B, D]. Of a code that occurs, the
   * logarithm of how likely it was at first is not its own but the mean over all codes, so that a
   * code which never occurs is not infinitely surprising: over the data it is the same.
   *
   * @param logOdds of each bit, [B, D]
   * @param code of -1 and 1, [B, D]
   */
  public Tensor surprisals(Tensor logOdds, Tensor code) {
    var surprisals = new TensorVector();
    for (var group : groups) {
      var half = group.own(logOdds).mul(new Scalar(0.5));
      var entropies =
          Tensor.create(group.entropies, group.symbols, 1, 1)
              .to(logOdds.device(), torch.ScalarType.Float);
      var surprisal =
          logsumexp(group.logits(half, group.words(logOdds.device())), new long[] {2}, true)
              .sub(half.mul(group.own(code)).sum(new long[] {2}, true, new ScalarTypeOptional()))
              .add(entropies)
              .div(new Scalar(group.bits));
      surprisals.push_back(group.flat(surprisal.expand(half.shape())));
    }
    return inOrder(cat(surprisals, 1));
  }

  private Tensor inOrder(Tensor grouped) {
    var index = Tensor.create(back, back.length).to(grouped.device(), torch.ScalarType.Long);
    return index_select(grouped, 1, index);
  }
}
