import {
  formatIommuGroups,
  iommuGroups,
  lspciDump,
  lspciTree,
  parseLspciDump,
  surveyTree,
} from '../pcie/index.ts';
import { parseJsonText } from '../sim/scenario-json.ts';
import { parseTopology } from '../sim/topology-file.ts';
import { buildTopology } from '../sim/topology-machine.ts';
import { bootedMachine, functionsOf } from './booted-machine.ts';
import { type Command, EXIT } from './command.ts';
import type { FileUses } from './file-uses.ts';
import { readText } from './read-file.ts';

/** `sriovsim topology` */
export const topologyCommand: Command = {
  usage: 'FILE.json [--scenario] [--dump]',
  summary:
    'Prints the tree of a PCI Express hierarchy of cards and switches, and its IOMMU groups with their reasons.',
  options: {
    scenario: { about: 'FILE.json is a scenario: of its machine when it has booted.' },
    dump: {
      about: 'Prints the configuration space of every function instead, as text that `lspci -F FILE` reads.',
    },
  },
  parameters: ['FILE.json'],
  async run({ files, flags, parameters: [file] }, io) {
    const { access, tree, functions } = flags.has('scenario')
      ? machineIn(files, file)
      : hierarchyIn(files, file);
    if (flags.has('dump')) {
      for (const fn of functions) await io.stdout(lspciDump([fn], 'os'));
      return EXIT.done;
    }
    const dumped = functions.flatMap((fn) => parseLspciDump(lspciDump([fn], 'os')));
    await io.stdout(`${lspciTree(dumped, { titles: true })}\n`);
    for (const problem of tree.problems) await io.stdout(`${problem}\n`);
    await io.stdout(`${formatIommuGroups(iommuGroups(access, tree))}\n`);
    return EXIT.done;
  },
};

function hierarchyIn(files: FileUses, file: string) {
  const json = parseJsonText(readText(files, 'FILE.json', file, 'a topology'), file);
  const { hierarchy, tree } = buildTopology(parseTopology(json, file), file);
  return { access: hierarchy, tree, functions: hierarchy.functions() };
}

function machineIn(files: FileUses, file: string) {
  const machine = bootedMachine(files, file);
  const { rootComplex } = machine;
  const access = {
    read: (routingId: number, offset: number, bytes: number) =>
      rootComplex.configRead(routingId, offset, bytes),
    write: (routingId: number, offset: number, bytes: number, value: number) =>
      rootComplex.configWrite(routingId, offset, bytes, value),
  };
  return { access, tree: surveyTree(access), functions: functionsOf(machine) };
}
