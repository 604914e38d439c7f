import type { ReadDump, ReadValue, ReadVariable } from '../../trace/vcd-reader.ts';
import { INK, Picture, textWidth } from './svg.ts';

const WIDTH = 980;
const NAMES = 250;
const TOP = 60;
const ROW = 22;
const HEIGHT = 14;

/** A value from one instant to another. */
interface Stretch {
  readonly fromPs: number;
  readonly toPs: number;
  readonly value: ReadValue;
}

/** A value change dump as viewers draw it: one line of a bit, values of several in boxes, nothing where nobody drives, events as strokes. */
export function waveformPicture(dump: ReadDump, title: string): string {
  const picture = new Picture(WIDTH);
  const { fromPs, toPs, variables } = dump;
  const perPs = (WIDTH - NAMES - 20) / (toPs - fromPs);
  const x = (ps: number) => NAMES + (ps - fromPs) * perPs;
  const bottom = TOP + variables.length * ROW;
  picture.text(20, 26, title, 'class="b"');
  for (let ns = 0; ns * 1000 < toPs - fromPs; ns += 250) {
    const at = x(fromPs + ns * 1000);
    picture.line(at, TOP - 4, at, bottom, INK.rule);
    picture.text(at, TOP - 10, `${ns} ns`, 'class="s m"');
  }
  variables.forEach((variable, row) => {
    const y = TOP + row * ROW;
    picture.line(20, y, WIDTH - 20, y, INK.rule);
    picture.text(20, y + 15, variable.path);
    drawSignal(picture, variable, stretchesOf(dump, variable), x, y + (ROW - HEIGHT) / 2);
  });
  const what = `Signals from top to bottom: ${variables.map(({ path }) => path).join(', ')}.`;
  return picture.svg(bottom + 16, title, what);
}

function stretchesOf({ changes, fromPs, toPs, at }: ReadDump, { path, type }: ReadVariable): Stretch[] {
  const own = changes.filter((change) => change.path === path);
  const starts = own.map(({ timePs, value }) => ({ fromPs: timePs, value }));
  if (type === 'wire') starts.unshift({ fromPs, value: at(path, fromPs) });
  return starts.map((start, i) => ({ ...start, toPs: starts[i + 1]?.fromPs ?? toPs }));
}

function drawSignal(
  picture: Picture,
  { width, type }: ReadVariable,
  stretches: readonly Stretch[],
  x: (ps: number) => number,
  y: number,
): void {
  const low = y + HEIGHT;
  let before: number | null = null;
  for (const { fromPs, toPs, value } of stretches) {
    const [from, to] = [x(fromPs), x(toPs)];
    if (type === 'event') {
      picture.line(from, y, from, low, INK.frame);
    } else if (typeof value !== 'number') {
      picture.line(from, (y + low) / 2, to, (y + low) / 2, INK.soft);
    } else if (width === 1) {
      const level = value === 1 ? y : low;
      if (before !== null && before !== level) picture.line(from, y, from, low, INK.frame);
      picture.line(from, level, to, level, INK.frame);
      before = level;
    } else {
      const text = String(value);
      picture.rect(
        from,
        y,
        Math.max(to - from, 1),
        HEIGHT,
        '#e2e8f0',
        `stroke="${INK.soft}" stroke-width="0.6"`,
      );
      if (textWidth(text) < to - from - 4) picture.text(from + 3, y + 11, text, 'style="font-size:11px"');
    }
  }
}
