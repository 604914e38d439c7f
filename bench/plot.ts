/**
 * Draws what a frame costs against the number of VPorts and of filters, here and in C, as it is measured now:
 *
 *     npm run bench:plot
 *
 * writes docs/pictures/switch-cost.svg and prints the figures.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { init, type SeriesOption } from 'echarts';
import { median } from './harness.ts';
import { compileC, root, type SwitchProgram, startC, startJs } from './reference/programs.ts';
import { HEADLINE, type SwitchScenario } from './reference/switch-scenario.ts';
import { roundsFor } from './switch.ts';

const FILE = fileURLToPath(new URL('docs/pictures/switch-cost.svg', root));
const WARM_UP = 3;
const LIMITS = { width: 960, height: 440 };
/** Colours that are told apart without seeing colours well. */
const COLOURS = ['#0072b2', '#d55e00'];

interface Panel {
  title: string;
  axis: string;
  points: readonly (readonly [number, SwitchScenario])[];
}

const PANELS: readonly Panel[] = [
  {
    title: 'one filter each',
    axis: 'VPorts',
    points: [2, 4, 8, 16, 32, 64, 128, 256].map((vports) => [vports, { ...HEADLINE, vports }]),
  },
  {
    title: '16 VPorts',
    axis: 'MAC filters',
    points: [16, 32, 64, 128, 256, 512, 1024, 2048, 4096].map((filters) => [
      filters,
      { ...HEADLINE, vports: 16, macsPerVPort: filters / 16 },
    ]),
  },
];

/** Nanoseconds a frame: the median of rounds in which all points take their turns. */
async function costs(panel: Panel, start: (scenario: SwitchScenario) => SwitchProgram, samples: number) {
  const programs = panel.points.map(([, scenario]) => start(scenario));
  const values: number[][] = programs.map(() => []);
  for (let sample = 0; sample < WARM_UP + samples; sample++) {
    for (const [i, program] of programs.entries()) {
      const { frames, ns } = await program.rounds(roundsFor({ samples, quick: false }, panel.points[i][1]));
      if (sample >= WARM_UP) values[i].push(ns / frames);
    }
  }
  for (const program of programs) program.close();
  return panel.points.map(([x], i): [number, number] => [x, median(values[i])]);
}

const { values } = parseArgs({ options: { samples: { type: 'string', default: '9' } } });
const samples = Number(values.samples);
const program = compileC();
const series: SeriesOption[] = [];
for (const [panel, what] of PANELS.entries()) {
  const lines: [string, [number, number][]][] = [['sriovsim', await costs(what, startJs, samples)]];
  if (program !== undefined) {
    const startTwin = (scenario: SwitchScenario) => startC(program, scenario);
    lines.push(['the same in C', await costs(what, startTwin, samples)]);
  }
  for (const [name, data] of lines) {
    console.log(
      `${name}, ${what.title}: ${data.map(([x, ns]) => `${x} ${what.axis} ${ns.toFixed(1)} ns`).join(', ')}`,
    );
    series.push({
      name,
      data,
      type: 'line',
      xAxisIndex: panel,
      yAxisIndex: panel,
      symbol: name === 'sriovsim' ? 'circle' : 'rect',
      symbolSize: 7,
    });
  }
}

const chart = init(null, null, { renderer: 'svg', ssr: true, ...LIMITS });
const text = { color: '#222', fontSize: 13 };
chart.setOption({
  animation: false,
  color: COLOURS,
  backgroundColor: '#fff',
  title: PANELS.map((panel, i) => ({
    text: `Cost of a frame against ${panel.axis}, ${panel.title}`,
    left: i === 0 ? '28%' : '77%',
    top: 8,
    textAlign: 'center' as const,
    textStyle: { ...text, fontWeight: 'bold' as const },
  })),
  legend: { bottom: 4, itemGap: 28, textStyle: text },
  grid: PANELS.map((_, i) => ({ left: i === 0 ? '7%' : '56%', width: '41%', top: 50, bottom: 84 })),
  xAxis: PANELS.map((panel, i) => ({
    type: 'log' as const,
    logBase: 2,
    gridIndex: i,
    name: panel.axis,
    nameLocation: 'middle' as const,
    nameGap: 28,
    nameTextStyle: text,
    axisLabel: { ...text, formatter: (value: number) => value.toLocaleString('en') },
    min: panel.points[0][0],
    max: panel.points[panel.points.length - 1][0],
  })),
  yAxis: PANELS.map((_, i) => ({
    type: 'value' as const,
    gridIndex: i,
    name: 'ns a frame',
    nameTextStyle: text,
    axisLabel: text,
    min: 0,
    max: 30,
  })),
  series,
});
writeFileSync(FILE, `${chart.renderToSVGString()}\n`);
chart.dispose();
