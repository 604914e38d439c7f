import type { TimelineWriter } from '../../../src/trace/index.ts';
import { INK, Picture, textWidth } from './svg.ts';

const WIDTH = 980;
const NAMES = 250;
const TOP = 60;
const ROW = 19;

interface Slice {
  readonly track: number;
  readonly name: string;
  readonly startPs: number;
  endPs: number | null;
  readonly flows: readonly number[];
}

interface Track {
  readonly name: string;
  readonly parent: number;
  readonly depth: number;
  /** -1 for one that is not shown. */
  row: number;
  readonly isCounter: boolean;
  readonly open: Slice[];
}

const COLOURS = ['#bfdbfe', '#bbf7d0', '#fde68a', '#fecaca', '#ddd6fe', '#a5f3fc', '#fed7aa', '#e2e8f0'];

/** A timeline as a picture: what `Timeline.write` is given instead of a file for Perfetto. Counters are left out. */
export class TimelinePicture implements TimelineWriter {
  private readonly tracks: Track[] = [];
  private readonly slices: Slice[] = [];
  private readonly fromPs: number;
  private readonly toPs: number;

  constructor(fromPs: number, toPs: number) {
    this.fromPs = fromPs;
    this.toPs = toPs;
  }

  track(name: string, { parent, unit }: { readonly parent?: number; readonly unit?: string }): number {
    const above = parent ?? -1;
    const depth = above < 0 ? 0 : this.tracks[above].depth + 1;
    const isCounter = unit !== undefined;
    this.tracks.push({ name, parent: above, depth, row: -1, isCounter, open: [] });
    return this.tracks.length - 1;
  }

  begin(timePs: number, track: number, name: string, details: Details): void {
    const slice = { track, name, startPs: timePs, endPs: null, flows: flowsOf(details) };
    this.slices.push(slice);
    this.tracks[track].open.push(slice);
  }

  end(timePs: number, track: number): void {
    const slice = this.tracks[track].open.pop();
    if (slice !== undefined) slice.endPs = timePs;
  }

  instant(timePs: number, track: number, name: string, details: Details): void {
    this.slices.push({ track, name, startPs: timePs, endPs: timePs, flows: flowsOf(details) });
  }

  counter(): void {}

  finish(): void {
    // The topmost is the whole, which needs no row.
    const tops = this.tracks.flatMap(({ depth }, i) => (depth === 0 ? [i] : []));
    let row = 0;
    for (const top of tops) for (const track of this.below(top)) this.tracks[track].row = row++;
  }

  /** Tracks below one, each in front of those below it. */
  private below(parent: number): number[] {
    return this.tracks.flatMap((track, i) =>
      track.parent === parent && !track.isCounter ? [i, ...this.below(i)] : [],
    );
  }

  /** The file. */
  svg(title: string): string {
    const picture = new Picture(WIDTH);
    const spanNs = (this.toPs - this.fromPs) / 1000;
    const perNs = (WIDTH - NAMES - 20) / spanNs;
    const x = (ps: number) =>
      NAMES + ((Math.min(Math.max(ps, this.fromPs), this.toPs) - this.fromPs) / 1000) * perNs;
    const shown = this.tracks.filter(({ row }) => row >= 0).sort((a, b) => a.row - b.row);
    const bottom = TOP + shown.length * ROW;
    picture.text(20, 26, title, 'class="b"');
    for (let ns = 0; ns < spanNs; ns += 250) {
      const at = NAMES + ns * perNs;
      picture.line(at, TOP - 4, at, bottom, INK.rule);
      picture.text(at, TOP - 10, `${ns} ns`, 'class="s m"');
    }
    for (const { name, depth, row } of shown) {
      const y = TOP + row * ROW;
      picture.line(20, y, WIDTH - 20, y, INK.rule);
      picture.text(20 + (depth - 1) * 14, y + 14, name, depth === 1 ? 'class="b"' : '');
    }
    this.slices.forEach((slice, i) => {
      this.draw(picture, slice, x, COLOURS[i % COLOURS.length]);
    });
    this.arrows(picture, x);
    const what =
      'Tracks from top to bottom: the link in both directions, page walks, queues, the switch, the port, interrupts, registers. Arrows follow the frame.';
    return picture.svg(bottom + 16, title, what);
  }

  private draw(
    picture: Picture,
    { track, name, startPs, endPs }: Slice,
    x: (ps: number) => number,
    fill: string,
  ): void {
    const y = TOP + this.tracks[track].row * ROW + 2;
    const [from, to] = [x(startPs), x(endPs ?? this.toPs)];
    const width = Math.max(to - from, 2);
    picture.rect(from, y, width, ROW - 4, fill, `stroke="${INK.soft}" stroke-width="0.6" rx="1.5"`);
    if (textWidth(name) < width - 4) picture.text(from + 3, y + 11.5, name, 'style="font-size:11px"');
    else if (
      from + width + textWidth(name) < WIDTH - 20 &&
      this.isFree(track, endPs ?? this.toPs, x, textWidth(name))
    )
      picture.text(from + width + 3, y + 11.5, name, 'class="s"');
  }

  /** Whether there is room for a name behind a slice. */
  private isFree(track: number, fromPs: number, x: (ps: number) => number, width: number): boolean {
    const from = x(fromPs);
    return this.slices.every(
      (slice) => slice.track !== track || slice.startPs < fromPs || x(slice.startPs) > from + width + 6,
    );
  }

  private arrows(picture: Picture, x: (ps: number) => number): void {
    const flows = new Set(this.slices.flatMap((slice) => slice.flows));
    for (const flow of flows) {
      const stops = this.slices.filter((slice) => slice.flows.includes(flow));
      for (let i = 1; i < stops.length; i++) {
        const [a, b] = [stops[i - 1], stops[i]];
        const from = { x: x(a.endPs ?? a.startPs), y: this.middle(a) };
        const to = { x: x(b.startPs), y: this.middle(b) };
        const bend = Math.max(0, (to.x - from.x) / 2);
        picture.add(
          `<path d="M${from.x.toFixed(1)} ${from.y}C${(from.x + bend).toFixed(1)} ${from.y} ${(to.x - bend).toFixed(1)} ${to.y} ${to.x.toFixed(1)} ${to.y}" fill="none" stroke="${INK.frame}" stroke-width="1.6" marker-end="url(#tip)"/>`,
        );
      }
    }
  }

  private middle({ track }: Slice): number {
    return TOP + this.tracks[track].row * ROW + ROW / 2;
  }
}

interface Details {
  readonly flows?: readonly number[];
  readonly endingFlows?: readonly number[];
}

function flowsOf({ flows = [], endingFlows = [] }: Details): number[] {
  return [...flows, ...endingFlows];
}
