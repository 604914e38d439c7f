import type { SeriesOption } from 'echarts';
import type { ExperimentResult, PlotSpec } from '../sim/experiments/index.ts';
import { UsageError } from './command.ts';
import { type PlotSeries, plotSeries } from './plot-series.ts';

const WIDTH = 760;
const HEIGHT = 440;
/** The legend stands below the plot, one entry below the other. */
const LEGEND_LINE = 16;
const LEGEND_GAP = 6;
/** Letters of a line of the legend. */
const LEGEND_LETTERS = 88;
/** Colours that are told apart without seeing colours well (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
/** Marks of lines, which tell them apart on paper without colours. */
const MARKS = ['circle', 'rect', 'triangle', 'roundRect', 'arrow'];
/** Lines of the first column, of the second, and so on; numbers are px. */
const DASHES = ['solid', [8, 4], [2, 3], [8, 3, 2, 3]] as const;
/** Marks of published points, which no line has: a diamond, a cross. */
const PUBLISHED_MARKS = ['path://M0-1L1,0L0,1L-1,0Z', 'path://M-1-1L1,1M-1,1L1-1'];
/** Through an empty mark is seen what lies under it. */
const EMPTY = 'rgba(0,0,0,0)';
const TEXT = { color: '#222', fontSize: 13 };

/**
 * A result as an SVG picture, drawn by ECharts: lines for the rows, loose points for what others have
 * published.
 */
export async function formatResultSvg(result: ExperimentResult, plot: PlotSpec): Promise<string> {
  const { init } = await loadPlotLibrary();
  const series = plotSeries(result, plot).map((each) => ({ ...each, name: broken(each.name) }));
  const { unit } = result.columns.find(({ name }) => name === plot.x) ?? { unit: '' };
  const legend = series.reduce(
    (sum, { name }) => sum + LEGEND_GAP + LEGEND_LINE * name.split('\n').length,
    0,
  );
  const below = 68 + legend;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT + below });
  const axis = { nameTextStyle: TEXT, axisLabel: TEXT, nameLocation: 'middle' as const };
  const sizes = series.flatMap(({ points }) => points.map(([x]) => x));
  const [min, max] = [Math.min(...sizes), Math.max(...sizes)];
  chart.setOption({
    animation: false,
    backgroundColor: '#fff',
    title: {
      text: result.partial === true ? `${result.experiment} (partial)` : result.experiment,
      left: 'center',
      top: 8,
      textStyle: { ...TEXT, fontWeight: 'bold' },
    },
    legend: {
      orient: 'vertical',
      selectedMode: false,
      left: 70,
      bottom: 8,
      padding: 0,
      // Wide enough for the dashes of a line.
      itemWidth: 44,
      itemGap: LEGEND_GAP,
      textStyle: { ...TEXT, lineHeight: LEGEND_LINE },
    },
    grid: { left: 70, right: 36, top: 44, bottom: below },
    xAxis: {
      ...axis,
      ...(plot.logarithmic
        ? // A label at each doubling, or at every second of many.
          { type: 'log', logBase: 2, interval: max / min > 2 ** 10 ? 2 : 1 }
        : { type: 'value', ...(sizes.every(Number.isInteger) ? { minInterval: 1 } : {}) }),
      name: unit === '' ? plot.x : `${plot.x}, ${unit}`,
      nameGap: 30,
      min,
      max,
    },
    yAxis: { ...axis, type: 'value', name: plot.title, nameGap: 44, min: 0 },
    series: drawnAll(series),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${stillPicture(svg)}\n`;
}

/** A name over as many lines of the legend as it takes. */
function broken(name: string): string {
  const lines: string[] = [''];
  for (const word of name.split(' ')) {
    const line = lines[lines.length - 1];
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= LEGEND_LETTERS) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines.join('\n');
}

/** Without what answers to a mouse, and with names that do not count the pictures drawn before. */
function stillPicture(svg: string): string {
  return svg
    .replaceAll(/<style[\s\S]*?<\/style>\n?/g, '')
    .replaceAll(/ class="[^"]*"/g, '')
    .replaceAll(/zr\d+-/g, 'plot-');
}

/** Lines of one group have a colour and a mark; if there is but one group, those of a column have. Its dashes are the column's. */
function drawnAll(series: readonly PlotSeries[]): SeriesOption[] {
  const oneGroup = series.every(({ group, published }) => published || group === 0);
  let points = 0;
  return series.map((each, index) => {
    const { name, published, column, group } = each;
    // A picture on paper answers to no mouse.
    const still = {
      silent: true,
      emphasis: { disabled: true },
      name,
      data: each.points.map(([x, y]) => [x, y]),
    };
    if (published) {
      return {
        ...still,
        type: 'scatter',
        z: series.length,
        symbol: PUBLISHED_MARKS[points++ % PUBLISHED_MARKS.length],
        symbolSize: 13,
        symbolKeepAspect: true,
        itemStyle: { color: EMPTY, borderColor: '#000', borderWidth: 2, opacity: 1 },
      };
    }
    const style = oneGroup ? column : group;
    const color = COLOURS[style % COLOURS.length];
    return {
      ...still,
      type: 'line',
      z: index,
      // The marks of a second column are empty and go around those of the first, if they are at the same places.
      symbol: MARKS[style % MARKS.length],
      symbolSize: column === 0 ? 6 : 10,
      symbolKeepAspect: true,
      itemStyle: column === 0 ? { color } : { color: EMPTY, borderColor: color, borderWidth: 2 },
      lineStyle: { color, width: 2, type: dashOf(column) },
    };
  });
}

function dashOf(column: number): 'solid' | number[] {
  const dash = DASHES[column % DASHES.length];
  return dash === 'solid' ? dash : [...dash];
}

/**
 * What draws.
 *
 * @throws UsageError if it is not installed.
 */
export async function loadPlotLibrary(): Promise<typeof import('echarts')> {
  try {
    return await import('echarts');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new UsageError('--svg: needs the package echarts; install it with npm install echarts');
  }
}
