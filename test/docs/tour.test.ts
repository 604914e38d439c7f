import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FrameLife, lifeOfFrame, timelineFromLog } from '../../src/sim/index.ts';
import { BinaryLog } from '../../src/trace/index.ts';
import { ROOT } from '../tidy/project.ts';
import { readVcd } from '../trace/vcd-reader.ts';
import { whyNoTshark } from '../wire/tshark.ts';
import { codeBlocks, generatedPart, HOW_TO_UPDATE } from './markdown.ts';
import { lifePicture } from './pictures/life-picture.ts';
import { TimelinePicture } from './pictures/timeline-picture.ts';
import { waveformPicture } from './pictures/waveform-picture.ts';

const PAGE = 'docs/tour.md';
/** The frame that the page follows. */
const FRAME = 3;
/** Shown of the timeline: from so long before its first step, for so long. */
const BEFORE_PS = 50_000;
const SPAN_PS = 2_400_000;

let folder: string;
let log: BinaryLog;
let life: FrameLife;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sriovsim-tour-'));
  sriovsim('run', SCENARIO, '--log', 'tour.log', '--capture', 'tour.pcapng', '--no-wall');
  sriovsim('tlps', 'tour.log', '--pcapng', 'tour-tlps.pcapng');
  log = new BinaryLog(readFileSync(join(folder, 'tour.log')));
  life = lifeOfFrame(log, FRAME);
});
afterAll(() => rmSync(folder, { recursive: true }));

const SCENARIO = join(ROOT, 'scenarios/tour.json');

function command(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe', maxBuffer: 1 << 26 });
}

function sriovsim(...args: string[]): string {
  return command(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args]);
}

/** Holds a part of the page against what is so. */
function expectPart(name: string, language: string, code: string): void {
  const wanted = `\n\`\`\`${language}\n${code.trimEnd()}\n\`\`\`\n\n`;
  expect(generatedPart(PAGE, name, wanted), HOW_TO_UPDATE).toBe(wanted);
}

/** Holds a picture against what it shows. */
function expectPicture(name: string, svg: string): void {
  const file = join(ROOT, 'docs/pictures', name);
  if (process.env['UPDATE_DOCS'] !== undefined) writeFileSync(file, svg);
  expect(readFileSync(file, 'utf8') === svg, `${name}: ${HOW_TO_UPDATE}`).toBe(true);
  expect(readFileSync(join(ROOT, PAGE), 'utf8')).toContain(`](pictures/${name})`);
}

/** What a line of the page has in the parentheses of `pattern`. */
function codeLine(pattern: RegExp): string {
  const [, found] = pattern.exec(readFileSync(join(ROOT, PAGE), 'utf8')) ?? [];
  expect(found, String(pattern)).toBeDefined();
  return found;
}

/** Lines of `sriovsim tlps` that belong to the frame, by their times. */
function tlpLines(): { heading: string; lines: string[]; first: number } {
  const [heading, ...lines] = sriovsim('tlps', 'tour.log').trimEnd().split('\n');
  const [{ timePs: fromPs }] = life.steps;
  const toPs = life.steps.at(-1)?.timePs ?? 0;
  const isOf = (line: string) => {
    const ps = Number(line.trim().split(' ')[0]) * 1000;
    return ps >= fromPs && ps <= toPs;
  };
  const first = lines.findIndex(isOf);
  return { heading, lines: lines.filter(isOf), first };
}

/** Why what tshark prints cannot be compared, or undefined: another version may lay it out in another way. */
const noTshark = whyNoTshark() ?? otherTshark('4.0');

function otherTshark(wanted: string): string | undefined {
  const text = execFileSync('tshark', ['--version'], { encoding: 'utf8', stdio: 'pipe' });
  const [, version] = text.match(/^TShark\D*(\d+\.\d+)/) ?? [];
  return version === wanted ? undefined : `skipped: the page shows what tshark ${wanted} prints`;
}

describe('docs/tour.md', () => {
  it('shows the scenario as it stands in scenarios/', () => {
    expectPart('scenario', 'json', readFileSync(SCENARIO, 'utf8'));
  });

  it('shows the report of the run', () => {
    expectPart('report', 'text', sriovsim('run', SCENARIO, '--no-wall'));
  });

  it('shows the life of the frame, and draws it', () => {
    expectPart('life', 'text', sriovsim('trace-frame', String(FRAME), 'tour.log'));
    expectPicture('tour-life.svg', lifePicture(life));
  });

  it('shows the TLPs of the frame as text', () => {
    const { heading, lines } = tlpLines();
    const linkSteps = life.steps.filter(({ link }) => link?.startsWith('pcie'));
    // In this time nothing else was on the link.
    expect(lines).toHaveLength(linkSteps.reduce((sum, { tlps }) => sum + tlps, 0));
    expectPart('tlps', 'text', [heading, ...lines].join('\n'));
  });

  it('draws the timeline', () => {
    const fromPs = life.steps[0].timePs - BEFORE_PS;
    const toPs = fromPs + SPAN_PS;
    const picture = new TimelinePicture(fromPs, toPs);
    timelineFromLog(log, { fromPs, toPs }).write(picture);
    expectPicture(
      'tour-timeline.svg',
      picture.svg(`Timeline of frame ${FRAME}, from ${fromPs / 1000} ns on`),
    );
  });

  it('draws the waveform', () => {
    const fromPs = life.steps[0].timePs - BEFORE_PS;
    const window = ['--from-ns', String(fromPs / 1000), '--to-ns', String((fromPs + SPAN_PS) / 1000)];
    const wanted = codeLine(/^ {4}sriovsim waveform .* --signals (\S+)$/m);
    sriovsim('waveform', 'tour.log', '--out', 'tour.vcd', '--signals', wanted, ...window);
    const dump = readVcd(readFileSync(join(folder, 'tour.vcd'), 'utf8'));
    const title = `Waveform of frame ${FRAME}, from ${fromPs / 1000} ns on`;
    expectPicture('tour-waveform.svg', waveformPicture(dump, title));
  });

  it('has a program that prints what it says', () => {
    const page = readFileSync(join(ROOT, PAGE), 'utf8');
    const [program] = codeBlocks(page).filter(({ language }) => language === 'ts');
    const { outputText } = ts.transpileModule(program.code, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 },
    });
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', outputText], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    expectPart('stepping', 'text', printed);
  });
});

describe(`what tshark shows in docs/tour.md ${noTshark ?? ''}`.trim(), () => {
  it.skipIf(noTshark !== undefined)('of the frames', () => {
    const fields = ['frame.number', 'frame.time_epoch', 'frame.interface_name', 'frame.len', 'vlan.id'];
    const filter = `eth.dst == ${life.destination}`;
    const options = [
      '-r',
      'tour.pcapng',
      '-Y',
      filter,
      '-T',
      'fields',
      ...fields.flatMap((field) => ['-e', field]),
    ];
    const page = readFileSync(join(ROOT, PAGE), 'utf8');
    expect(page).toContain(
      `    tshark -r tour.pcapng -Y 'eth.dst == ff:ff:ff:ff:ff:ff' -T fields ${options.slice(6).join(' ')}\n`,
    );
    const rows = command('tshark', options).trimEnd().split('\n');
    expectPart('frames', 'text', rows.map((row) => row.split('\t').join('  ').trimEnd()).join('\n'));
  });

  it.skipIf(noTshark !== undefined)('of the TLPs, and of one of them in full', () => {
    const lua = ['-X', `lua_script:${join(ROOT, 'wireshark/sriovsim-tlp.lua')}`, '-r', 'tour-tlps.pcapng'];
    const { lines, first } = tlpLines();
    const from = first + 1;
    const range = `frame.number >= ${from} && frame.number < ${from + lines.length}`;
    const listed = command('tshark', [...lua, '-Y', range]);
    expectPart('listed', 'text', listed.replace(/^ +/gm, ''));
    const at = from + lines.findIndex((line) => line.includes('receive payload'));
    const all = command('tshark', [...lua, '-Y', `frame.number == ${at}`, '-V']);
    expectPart('dissected', 'text', all.slice(all.indexOf('Simulated PCI Express link')));
  });
});
