import type { SeriesOption } from 'echarts';
import type { ExperimentResult, PlotSpec } from '../sim/experiments/index.ts';
import { UsageError } from './command.ts';
import { type PlotSeries, plotSeries } from './plot-series.ts';

const WIDTH = 760;
const HEIGHT = 440;
/** Height of a line of the legend, which stands below the plot: one line a series. */
const LEGEND_LINE = 22;
/** Colours that are told apart without seeing colours well (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond'];
const TEXT = { color: '#222', fontSize: 13 };

/**
 * A result as an SVG picture, drawn by ECharts: lines for the rows, loose points for what others have
 * published.
 */
export async function formatResultSvg(result: ExperimentResult, plot: PlotSpec): Promise<string> {
  const { init } = await loadPlotLibrary();
  const series = plotSeries(result, plot);
  const { unit } = result.columns.find(({ name }) => name === plot.x) ?? { unit: '' };
  const below = 58 + LEGEND_LINE * series.length;
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT + below });
  const axis = { nameTextStyle: TEXT, axisLabel: TEXT, nameLocation: 'middle' as const };
  const sizes = series.flatMap(({ points }) => points.map(([x]) => x));
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
      itemGap: LEGEND_LINE - TEXT.fontSize,
      textStyle: { ...TEXT, width: WIDTH - 230, overflow: 'break' },
    },
    grid: { left: 70, right: 24, top: 44, bottom: below },
    xAxis: {
      ...axis,
      ...(plot.logarithmic ? { type: 'log', logBase: 2 } : { type: 'value' }),
      name: unit === '' ? plot.x : `${plot.x}, ${unit}`,
      nameGap: 30,
      min: Math.min(...sizes),
      max: Math.max(...sizes),
    },
    yAxis: { ...axis, type: 'value', name: plot.title, nameGap: 44, min: 0 },
    series: series.map(drawn),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${stillPicture(svg)}\n`;
}

/** Without what answers to a mouse, and with names that do not count the pictures drawn before. */
function stillPicture(svg: string): string {
  return svg
    .replaceAll(/<style[\s\S]*?<\/style>\n?/g, '')
    .replaceAll(/ class="[^"]*"/g, '')
    .replaceAll(/zr\d+-/g, 'plot-');
}

/** Rows of one group have one colour; their columns differ by mark and by dashes. */
function drawn({ name, points, published, column, group }: PlotSeries, index: number): SeriesOption {
  const data = points.map(([x, y]) => [x, y]);
  // A picture on paper answers to no mouse.
  const still = { silent: true, emphasis: { disabled: true } };
  if (published) {
    return {
      ...still,
      name,
      data,
      type: 'scatter',
      symbol: 'diamond',
      symbolSize: 13,
      itemStyle: { color: '#000' },
    };
  }
  const color = COLOURS[group % COLOURS.length];
  return {
    ...still,
    name,
    data,
    type: 'line',
    z: index,
    symbol: SYMBOLS[column % SYMBOLS.length],
    symbolSize: 7,
    itemStyle: { color },
    lineStyle: { color, width: 2, type: column === 0 ? 'solid' : 'dashed' },
  };
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
