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
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.BiPredicate;
import java.util.stream.Stream;
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
 * have no probability.
 *
 * <p>What is said may be of some sets of words too, cells: a number a_c for each, by which the
 * probability of the cell's words is multiplied as exp(a_c). A cell is what begins with the same
 * bits. The log-odds of single bits can say no more of three or more values than what each bit is;
 * how likely each cell is, is all that other symbols can say of it.
 *
 * <p>Symbols with as many bits and about as many words are computed together.
 */
public final class CodeWords {
  /** Of divergences. */
  private static final double ROUNDING = 1e-12;

  /** Of the logarithm of a probability that is none. */
  private static final float NEVER = -1e9f;

  private final List<Group> groups;

  /** Of each bit [D], where it is in the groups one after the other. */
  private final long[] back;

  private final List<OfSymbol> symbols;

  private CodeWords(List<Group> groups, long[] back, List<OfSymbol> symbols) {
    this.groups = groups;
    this.back = back;
    this.symbols = symbols;
  }

  /**
   * Sets of codes that begin alike, of one symbol.
   *
   * @param fixed with how many bits each begins
   * @param codes these bits, the last one in the lowest place
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  public record Cells(int[] fixed, int[] codes) {
    static final Cells NONE = new Cells(new int[0], new int[0]);

    /**
     * Of numbers in Gray's code: what begins alike is halved, the most likely first, until there
     * are as many cells as there may be.
     *
     * @param most cells
     * @param likelihoods of what the first bits of the number are, 2 to the power of how many
     * @param isOne whether all that begins with so many bits of a number is the same symbol
     */
    static Cells ofGray(int most, double[] likelihoods, BiPredicate<Integer, Integer> isOne) {
      var depth = Integer.numberOfTrailingZeros(likelihoods.length);
      var divisible =
          new PriorityQueue<Cell>(
              Comparator.comparingDouble((Cell cell) -> -cell.share)
                  .thenComparingInt(Cell::fixed)
                  .thenComparingInt(Cell::number));
      var cells = new ArrayList<Cell>();
      divisible.add(new Cell(0, 0, Arrays.stream(likelihoods).sum()));
      while (!divisible.isEmpty()) {
        var cell = divisible.remove();
        var halves = Stream.of(cell.half(0, likelihoods), cell.half(1, likelihoods));
        var occurring = halves.filter(half -> half.share > 0).toList();
        var more = cells.size() + divisible.size() + occurring.size();
        if (cell.fixed == depth || more > most || isOne.test(cell.fixed, cell.number)) {
          cells.add(cell);
        } else {
          divisible.addAll(occurring);
        }
      }
      if (cells.size() < 3) { // the log-odds of one bit say the same
        return NONE;
      }
      cells.sort(Comparator.comparingInt(cell -> cell.number << (depth - cell.fixed)));
      return new Cells(
          cells.stream().mapToInt(Cell::fixed).toArray(),
          cells.stream().mapToInt(cell -> Intervals.gray(cell.number)).toArray());
    }

    /** Numbers that begin with some bits. */
    private record Cell(int fixed, int number, double share) {
      Cell half(int bit, double[] likelihoods) {
        var each = (likelihoods.length >> fixed) / 2;
        var from = (2 * number + bit) * each;
        var share = Arrays.stream(likelihoods, from, from + each).sum();
        return new Cell(fixed + 1, 2 * number + bit, share);
      }
    }

    int count() {
      return fixed.length;
    }

    /** The cell of codes that begin so; -1 where they are in none, or in several. */
    int of(int bits, int code) {
      for (var cell = 0; cell < fixed.length; cell++) {
        if (bits >= fixed[cell] && code >> (bits - fixed[cell]) == codes[cell]) {
          return cell;
        }
      }
      return -1;
    }

    /** Whether codes that begin so are in several. */
    boolean areDivided(int bits, int code) {
      for (var cell = 0; cell < fixed.length; cell++) {
        if (bits < fixed[cell] && codes[cell] >> (fixed[cell] - bits) == code) {
          return true;
        }
      }
      return false;
    }
  }

  /**
   * The words of one symbol.
   *
   * @param bits n
   * @param fixed how many of its bits each word fixes, from the first on
   * @param codes these bits, the last one in the lowest place
   * @param shares of the words, which add up to 1
   * @param ones how often each bit is 1, which words tell but for their tolerance
   * @param cells of which each word is in one, or none
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  record OfSymbol(int bits, int[] fixed, int[] codes, double[] shares, double[] ones, Cells cells) {
    /**
     * Words for numbers in Gray's code: as few as tell how likely the numbers are.
     *
     * @param bits n
     * @param likelihoods of what the first bits of the number are, 2 to the power of how many, up
     *     to a factor
     * @param tolerance how far, in nats of its Kullback-Leibler divergence, what is told may be
     *     from these
     * @param cells of which no word has parts of several
     */
    static OfSymbol ofGray(int bits, double[] likelihoods, double tolerance, Cells cells) {
      var words = new ArrayList<int[]>(); // how many bits, and the number of these bits
      var shares = new ArrayList<Double>();
      var total = Arrays.stream(likelihoods).sum();
      collect(likelihoods, tolerance, cells, 0, 0, words, shares);
      return new OfSymbol(
          bits,
          words.stream().mapToInt(word -> word[0]).toArray(),
          words.stream().mapToInt(word -> Intervals.gray(word[1])).toArray(),
          shares.stream().mapToDouble(share -> share / total).toArray(),
          ones(bits, likelihoods),
          cells);
    }

    /** Numbers that begin alike are one word if each is as likely as the other. */
    private static void collect(
        double[] likelihoods,
        double tolerance,
        Cells cells,
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
      if (fromUniform(own, share) <= Math.max(tolerance, ROUNDING)
          && !cells.areDivided(fixed, Intervals.gray(number))) {
        words.add(new int[] {fixed, number});
        shares.add(share);
        return;
      }
      collect(likelihoods, tolerance, cells, fixed + 1, 2 * number, words, shares);
      collect(likelihoods, tolerance, cells, fixed + 1, 2 * number + 1, words, shares);
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

    double[] sharesOfCells() {
      var ofCells = new double[cells.count()];
      for (var v = 0; v < shares.length; v++) {
        ofCells[cells.of(fixed[v], codes[v])] += shares[v];
      }
      return ofCells;
    }

    /** How often each bit is 1, of numbers in Gray's code; of those that words leave free, half. */
    private static double[] ones(int bits, double[] likelihoods) {
      var ones = new double[bits];
      var depth = Integer.numberOfTrailingZeros(likelihoods.length);
      var total = Arrays.stream(likelihoods).sum();
      Arrays.fill(ones, depth, bits, 0.5);
      for (var number = 0; number < likelihoods.length; number++) {
        var code = Intervals.gray(number);
        for (var j = 0; j < depth; j++) {
          ones[j] += (code >> (depth - 1 - j) & 1) * likelihoods[number] / total;
        }
      }
      return ones;
    }

    /** Words of {@link Group} that have room for these. */
    int room() {
      return Integer.highestOneBit(Math.max(1, 2 * shares.length - 1));
    }
  }

  /**
   * Symbols [S] that have as many bits n, room for as many words V, and as many cells C.
   *
   * @param places of their bits, [S, n], and then of their cells, [S, C]
   * @param words [S, V, 2n + C]: -1 and 1 where a bit is fixed, then 1 where it is free, then 1 for
   *     the cell that it is in, else 0
   * @param begins [S, C, n]: -1 and 1 where the codes of a cell have a bit fixed, else 0
   * @param logShares [S, 1, V]
   * @param entropies [S]
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  private record Group(
      int symbols,
      int bits,
      int cells,
      long[] places,
      long[] cellPlaces,
      float[] words,
      float[] begins,
      float[] logShares,
      float[] entropies) {

    static Group of(List<OfSymbol> symbols, List<Integer> firsts, List<Integer> firstCells) {
      var n = symbols.get(0).bits;
      var cells = symbols.get(0).cells.count();
      var room = symbols.get(0).room();
      var width = 2 * n + cells;
      var places = new long[symbols.size() * n];
      var cellPlaces = new long[symbols.size() * cells];
      var words = new float[symbols.size() * room * width];
      var begins = new float[symbols.size() * cells * n];
      var logShares = new float[symbols.size() * room];
      var entropies = new float[symbols.size()];
      Arrays.fill(logShares, NEVER);
      for (var s = 0; s < symbols.size(); s++) {
        var symbol = symbols.get(s);
        entropies[s] = (float) symbol.entropy();
        for (var j = 0; j < n; j++) {
          places[s * n + j] = firsts.get(s) + j;
        }
        for (var c = 0; c < cells; c++) {
          cellPlaces[s * cells + c] = firstCells.get(s) + c;
          digits(symbol.cells.fixed[c], symbol.cells.codes[c], begins, (s * cells + c) * n);
        }
        for (var v = 0; v < symbol.shares.length; v++) {
          logShares[s * room + v] = (float) Math.log(symbol.shares[v]);
          var at = (s * room + v) * width;
          digits(symbol.fixed[v], symbol.codes[v], words, at);
          Arrays.fill(words, at + n + symbol.fixed[v], at + 2 * n, 1);
          var cell = symbol.cells.of(symbol.fixed[v], symbol.codes[v]);
          if (cell >= 0) {
            words[at + 2 * n + cell] = 1;
          }
        }
      }
      return new Group(
          symbols.size(), n, cells, places, cellPlaces, words, begins, logShares, entropies);
    }

    /** Writes -1 or 1 for each of some bits. */
    private static void digits(int count, int code, float[] into, int at) {
      for (var j = 0; j < count; j++) {
        into[at + j] = (code >> (count - 1 - j) & 1) == 1 ? 1 : -1;
      }
    }

    private int width() {
      return 2 * bits + cells;
    }

    /** The bits of these symbols, [S, B, n], of all bits [B, D]. */
    Tensor own(Tensor all) {
      return own(all, places);
    }

    private Tensor own(Tensor all, long[] places) {
      var index = Tensor.create(places, places.length).to(all.device(), torch.ScalarType.Long);
      return index_select(all, 1, index)
          .view(all.size(0), symbols, places.length / symbols)
          .transpose(0, 1);
    }

    /** What is said of the cells of these symbols, [S, B, C]. */
    Tensor ownCells(Tensor all) {
      return own(all, cellPlaces);
    }

    /** What is said of the cell that each code [S, B, n] of -1 and 1 is in, [S, B, 1]. */
    Tensor ofCode(Tensor code, Tensor ownCells) {
      var begins =
          Tensor.create(this.begins, symbols, cells, bits)
              .to(code.device(), torch.ScalarType.Float);
      var fixed = begins.abs().sum(new long[] {2}, false, new ScalarTypeOptional()).unsqueeze(1);
      var isIn = bmm(code, begins.transpose(1, 2)).ge(fixed); // all of these bits are the same
      return ownCells.mul(isIn).sum(new long[] {2}, true, new ScalarTypeOptional());
    }

    /** Of [S, B, n], for all groups to be put side by side: [B, S n]. */
    Tensor flat(Tensor own) {
      return own.transpose(0, 1).reshape(own.size(1), (long) symbols * bits);
    }

    Tensor words(Device device) {
      return Tensor.create(words, symbols, words.length / symbols / width(), width())
          .to(device, torch.ScalarType.Float);
    }

    /**
     * The logarithms of the formula above, [S, B, V], from half of the log-odds [S, B, n] and what
     * is said of cells [S, B, C].
     */
    Tensor logits(Tensor half, Tensor ownCells, Tensor words) {
      var shares =
          Tensor.create(logShares, symbols, 1, logShares.length / symbols)
              .to(half.device(), torch.ScalarType.Float);
      var said =
          cells == 0
              ? new TensorVector(half, logCosh(half))
              : new TensorVector(half, logCosh(half), ownCells);
      return baddbmm(shares, cat(said, 2), words.transpose(1, 2));
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
    var firstCells = new ArrayList<Integer>();
    var total = 0;
    var cells = 0;
    for (var s = 0; s < symbols.size(); s++) {
      var symbol = symbols.get(s);
      firsts.add(total);
      firstCells.add(cells);
      total += symbol.bits;
      cells += symbol.cells.count();
      if (symbol.bits > 0) {
        var alike = List.of(symbol.bits, symbol.room(), symbol.cells.count());
        together.computeIfAbsent(alike, key -> new ArrayList<>()).add(s);
      }
    }
    var groups =
        together.values().stream()
            .map(
                members ->
                    Group.of(
                        members.stream().map(symbols::get).toList(),
                        members.stream().map(firsts::get).toList(),
                        members.stream().map(firstCells::get).toList()))
            .toList();
    var back = new long[total];
    var at = 0;
    for (var group : groups) {
      for (var place : group.places) {
        back[(int) place] = at++;
      }
    }
    return new CodeWords(groups, back, List.copyOf(symbols));
  }

  /**
   * Sets of codes of one symbol that an output of the network makes more or less likely as a whole:
   * its cells, or of a symbol without cells the two halves that one of its bits makes.
   *
   * @param firstBit of those that tell which set a code is in
   * @param bits how many they are
   * @param cells none where it is one bit
   * @param output the place of the first cell, of all outputs [D + cells]; of a bit that of its
   *     log-odds
   * @param shares of the sets, which add up to 1
   */
  @SuppressWarnings("ArrayRecordComponent") // for reading, not for comparing
  public record Margin(int firstBit, int bits, Cells cells, int output, double[] shares) {
    /**
     * The set that a code is in; -1 of a code that no value of the data has.
     *
     * @param codes whose bits are above 0 where they are 1
     * @param at where the bits of an example begin
     */
    public int of(float[] codes, int at) {
      var code = 0;
      for (var j = 0; j < bits; j++) {
        code = code << 1 | (codes[at + firstBit + j] > 0 ? 1 : 0);
      }
      return cells.count() == 0 ? code : cells.of(bits, code);
    }

    /**
     * Makes sets more or less likely.
     *
     * @param logs a logarithm for each set, of what its probability is multiplied by but for a
     *     common factor
     * @param outputs that are changed, [D + cells]
     */
    public void add(double[] logs, float[] outputs) {
      if (cells.count() == 0) {
        outputs[output] += (float) (logs[1] - logs[0]);
        return;
      }
      for (var c = 0; c < logs.length; c++) {
        outputs[output + c] += (float) logs[c];
      }
    }
  }

  /** Those of all symbols. */
  public List<Margin> margins() {
    var margins = new ArrayList<Margin>();
    var bit = 0;
    var cell = back.length;
    for (var symbol : symbols) {
      var cells = symbol.cells;
      if (cells.count() > 0) {
        margins.add(new Margin(bit, symbol.bits, cells, cell, symbol.sharesOfCells()));
      } else {
        for (var j = 0; j < symbol.bits; j++) {
          var shares = new double[] {1 - symbol.ones[j], symbol.ones[j]};
          margins.add(new Margin(bit + j, 1, Cells.NONE, bit + j, shares));
        }
      }
      bit += symbol.bits;
      cell += cells.count();
    }
    return List.copyOf(margins);
  }

  /** The number of all cells. */
  public int cells() {
    return symbols.stream().mapToInt(symbol -> symbol.cells.count()).sum();
  }

  /** The cells of a symbol. */
  Cells cells(int symbol) {
    return symbols.get(symbol).cells;
  }

  /** How many cells are before those of a symbol. */
  int firstCell(int symbol) {
    return symbols.subList(0, symbol).stream().mapToInt(before -> before.cells.count()).sum();
  }

  /**
   * The mean of each bit -1 or 1, [B, D].
   *
   * @param logOdds what is said of each bit by itself, [B, D]
   * @param ofCells what is said of each cell, [B, cells]
   */
  public Tensor means(Tensor logOdds, Tensor ofCells) {
    var means = new TensorVector();
    for (var group : groups) {
      var half = group.own(logOdds).mul(new Scalar(0.5));
      var words = group.words(logOdds.device());
      var n = group.bits;
      var p = softmax(group.logits(half, group.ownCells(ofCells), words), 2);
      var mean = bmm(p, words.narrow(2, 0, 2L * n)); // of what is fixed, and free
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
   * @param ofCells what is said of each cell, [B, cells]
   * @param code of -1 and 1, [B, D]
   */
  public Tensor surprisals(Tensor logOdds, Tensor ofCells, Tensor code) {
    var surprisals = new TensorVector();
    for (var group : groups) {
      var half = group.own(logOdds).mul(new Scalar(0.5));
      var entropies =
          Tensor.create(group.entropies, group.symbols, 1, 1)
              .to(logOdds.device(), torch.ScalarType.Float);
      var own = group.own(code);
      var ownCells = group.ownCells(ofCells);
      var words = group.words(logOdds.device());
      var said = half.mul(own).sum(new long[] {2}, true, new ScalarTypeOptional());
      if (group.cells > 0) {
        said = said.add(group.ofCode(own, ownCells));
      }
      var surprisal =
          logsumexp(group.logits(half, ownCells, words), new long[] {2}, true)
              .sub(said)
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
