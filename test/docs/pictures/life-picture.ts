import type { FrameLife, LifeStep } from '../../../src/sim/index.ts';
import { INK, Picture } from './svg.ts';

const WIDTH = 980;
/** Columns: root complex, card, other end of the cable. */
const ROOT = 330;
const CARD = 570;
const PEER = 700;
const TOP = 74;
const PX_PER_NS = 0.42;
/** Labels are no closer than this. */
const LABEL = 16;

interface Label {
  readonly y: number;
  readonly x: number;
  readonly text: string;
  readonly colour: string;
}

/** A frame's life as a ladder: time goes down, TLPs lean from the side where they leave to the one where they arrive. */
export function lifePicture(life: FrameLife): string {
  const picture = new Picture(WIDTH);
  const { steps } = life;
  const [{ timePs: originPs }] = steps;
  const lastPs = Math.max(
    ...steps.map(({ timePs, endPs, arrivesPs }) => Math.max(timePs, endPs ?? 0, arrivesPs ?? 0)),
  );
  const y = (ps: number) => TOP + ((ps - originPs) / 1000) * PX_PER_NS;
  const bottom = y(lastPs) + 20;
  axis(picture, (lastPs - originPs) / 1000, bottom);
  for (const [x, name] of [
    [ROOT, 'root complex'],
    [CARD, 'card'],
    [PEER, 'wire'],
  ] as const) {
    picture.line(x, TOP - 10, x, bottom, INK.pale, 'stroke-width="1.5"');
    picture.text(x, TOP - 20, name, 'class="b m"');
  }
  const left: Label[] = [];
  const right: Label[] = [];
  for (const step of steps) draw(picture, step, y, left, right);
  const ends = [place(picture, left, 'left'), place(picture, right, 'right')];
  const { number, from, branches } = life;
  picture.text(
    20,
    28,
    `Frame ${number} from ${from} to ${branches.map(({ name }) => name).join(' and ')}`,
    'class="b"',
  );
  const what =
    'Time goes down. A band is a TLP, as long as its symbols take, from where it leaves to where it arrives.';
  return picture.svg(Math.max(bottom, ...ends) + 16, `Life of frame ${number}`, what);
}

function axis(picture: Picture, ns: number, bottom: number): void {
  picture.text(64, TOP - 20, 'ns', 'class="s e"');
  for (let at = 0; at <= ns; at += 200) {
    const line = TOP + at * PX_PER_NS;
    if (line > bottom) break;
    picture.line(72, line, WIDTH - 20, line, INK.rule);
    picture.text(64, line + 4, String(at), 'class="s e"');
  }
}

function draw(
  picture: Picture,
  step: LifeStep,
  y: (ps: number) => number,
  left: Label[],
  right: Label[],
): void {
  const { kind, timePs, endPs, arrivesPs, link, linkBytes, tlps } = step;
  const at = y(timePs);
  const colour = colourOf(kind);
  if (link !== null && endPs !== null && arrivesPs !== null) {
    const [from, to] = ENDS[link];
    const flight = y(arrivesPs) - y(endPs);
    const long = y(endPs) - at;
    picture.add(
      `<path d="M${from} ${at}L${from} ${at + long}L${to} ${at + long + flight}L${to} ${at + flight}z" fill="${colour}" fill-opacity="0.3" stroke="${colour}" stroke-width="1"/>`,
    );
    const count = tlps > 1 ? `${tlps} TLPs, ` : '';
    const text = `${NAMES[kind] ?? kind}, ${count}${linkBytes} bytes`;
    (from === ROOT ? left : right).push({ y: at, x: from, text, colour });
  } else if (kind === 'translation') {
    const end = endPs === null ? at + 3 : y(endPs);
    picture.rect(ROOT - 5, at, 10, end - at, colour, 'rx="2"');
    const text = step.what.split(':')[0] + (endPs === null ? '' : `, walk of ${(endPs - timePs) / 1000} ns`);
    left.push({ y: at, x: ROOT - 5, text, colour });
  } else if (kind === 'switchIn' || kind === 'switchOut') {
    if (kind === 'switchIn') right.push({ y: at, x: CARD, text: 'enters the switch', colour });
    else right.push({ y: at, x: CARD, text: `leaves the switch ${step.what.split(',')[0]}`, colour });
    picture.rect(CARD - 6, at - 1, 12, 3, colour);
  } else if (kind === 'interrupt') right.push({ y: at, x: CARD, text: 'cause of the interrupt', colour });
}

/** Where a link begins and ends in the picture. */
const ENDS = {
  'pcie.upstream': [CARD, ROOT],
  'pcie.downstream': [ROOT, CARD],
  'wire.out': [CARD, PEER],
  'wire.in': [PEER, CARD],
} as const;

const NAMES: Readonly<Record<string, string>> = {
  doorbell: 'doorbell',
  descriptorFetch: 'read of the descriptor',
  descriptorCompletion: 'descriptor',
  payloadRead: 'read of the frame',
  payloadCompletion: 'frame',
  payloadWrite: 'frame to memory',
  writeBack: 'write-back',
  interrupt: 'MSI-X message',
  bufferReturned: 'buffer given back',
  wireSent: 'on the wire',
  wireReceived: 'on the wire',
  transmitStatus: 'status of the descriptor',
};

function colourOf(kind: LifeStep['kind']): string {
  if (kind === 'doorbell' || kind === 'bufferReturned') return INK.bell;
  if (kind === 'interrupt') return INK.interrupt;
  if (kind === 'translation') return INK.walk;
  if (kind.startsWith('switch')) return INK.switch;
  return kind.startsWith('wire') ? INK.wire : INK.frame;
}

/** Puts labels beside their steps, apart from each other; returns where the last one ends. */
function place(picture: Picture, labels: Label[], side: 'left' | 'right'): number {
  let free = 0;
  const column = side === 'left' ? ROOT - 34 : PEER + 34;
  for (const { y, x, text, colour } of labels) {
    const at = Math.max(y + 4, free);
    free = at + LABEL;
    const end = side === 'left' ? column + 4 : column - 4;
    picture.add(
      `<path d="M${x} ${y}L${(x + end) / 2} ${at - 4}L${end} ${at - 4}" fill="none" stroke="${colour}" stroke-width="0.8" stroke-opacity="0.7"/>`,
    );
    picture.text(column, at, text, side === 'left' ? 'class="e"' : '');
  }
  return free;
}
