import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { INLINING_FLAGS as BENCH_FLAGS } from '../../bench/inlining.ts';
import { INLINING_FLAGS as COMMAND_FLAGS } from '../../src/cli/inlining.ts';
import { resolveScenario } from '../../src/sim/index.ts';
import { parseScenarioText, pcieParts } from '../../src/sim/scenario.ts';
import { ROOT } from '../tidy/project.ts';
import { codeBlocks, generatedPart, HOW_TO_UPDATE, readDocs } from './markdown.ts';

const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const blocks = codeBlocks(readme);
const commands = blocks
  .filter(({ language }) => language === 'sh')
  .flatMap(({ code }) => code.trimEnd().split('\n'));

/** What a person types runs in a folder of its own, so that nothing is left in the project. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sriovsim-readme-'));
  cpSync(join(ROOT, 'scenarios'), join(folder, 'scenarios'), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

function node(args: readonly string[]): string {
  return execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: 2 ** 24 });
}

/** The report as the read-me shows it: three flows stand for all, and nothing of the machine that ran it. */
function shortened(report: string): string {
  const paragraphs = report.trimEnd().split('\n\n');
  return paragraphs
    .filter((paragraph) => !paragraph.startsWith('Wall clock') && !paragraph.startsWith('dropped at'))
    .map((paragraph) => {
      const lines = paragraph.split('\n');
      const isFlows = lines[1]?.startsWith('flow') ?? false;
      return (isFlows ? [...lines.slice(0, 5), '...'] : lines).join('\n');
    })
    .join('\n\n');
}

describe('README.md', () => {
  it('says at its top how to start and how to test', () => {
    const lines = readme.split('\n').slice(0, 20);
    expect(lines).toContain('    npm ci && npm start');
    expect(lines).toContain('    npm ci && npm test');
  });

  it('names the settings that the command and the benchmarks give V8', () => {
    const settings = readme.match(/--m(?:ax-inlined|in-inlining)\S+/g);
    expect(settings).toEqual(COMMAND_FLAGS);
    expect(BENCH_FLAGS).toEqual(COMMAND_FLAGS);
  });

  it('shows what the default scenario prints', () => {
    const main = join(ROOT, 'dist/cli/main.js');
    const printed = shortened(node([main, 'run', 'scenarios/default.json', '--no-wall']));
    const wanted = `\n\`\`\`text\n${printed}\n\`\`\`\n\n`;
    expect(generatedPart('README.md', 'output', wanted), HOW_TO_UPDATE).toBe(wanted);
    expect(scripts['start']).toContain('run scenarios/default.json');
  });

  it('has the library example as it stands in examples/', () => {
    const example = readFileSync(join(ROOT, 'examples/ten-lines.ts'), 'utf8');
    const wanted = `\n\`\`\`ts\n${example.slice(example.indexOf('import'))}\`\`\`\n\n`;
    expect(generatedPart('README.md', 'ten-lines', wanted), HOW_TO_UPDATE).toBe(wanted);
  });

  it('has a library example that runs, and prints what stands below it', () => {
    const [example] = blocks.filter(({ language }) => language === 'ts');
    symlinkSync(ROOT, join(folder, 'sriovsim'), 'dir');
    const code = ts.transpile(example.code, { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext });
    writeFileSync(join(folder, 'example.mjs'), code.replace("'sriovsim'", "'./sriovsim/dist/index.js'"));
    const wanted = `\n\`\`\`text\n${node(['example.mjs'])}\`\`\`\n\n`;
    expect(generatedPart('README.md', 'ten-lines-output', wanted), HOW_TO_UPDATE).toBe(wanted);
  });

  it('has scenarios that are valid', () => {
    const json = readDocs().flatMap(({ path, text }) =>
      codeBlocks(text)
        .filter(({ language }) => language === 'json')
        .map(({ code }) => ({ path, code })),
    );
    expect(json.length).toBeGreaterThan(1);
    for (const { path, code } of json) {
      expect(resolveScenario(parseScenarioText(code, path), { pcieParts }).scenario.guests.length).toBe(2);
    }
  });

  it.each(commands.filter((command) => command.startsWith('npx sriovsim')))('%s runs', (command) => {
    const printed = node([join(ROOT, 'dist/cli/main.js'), ...command.split(' ').slice(2)]);
    expect(printed.length).toBeGreaterThan(0);
    if (/ run .*--json/.test(command)) expect(JSON.parse(printed)).toHaveProperty('digest');
  });

  it('names scripts that exist', () => {
    const named = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name]) => name);
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
    expect(commands.filter((command) => !/^(npx sriovsim|npm run) /.test(command))).toEqual([]);
  });
});
