import type { IommuOptions, VtdUnitOptions } from '../../src/iommu/index.ts';
import { VtdUnit } from '../../src/iommu/index.ts';
import { Scheduler } from '../../src/kernel/index.ts';
import { READ_ONLY, READ_WRITE, Tables } from './setup.ts';
import { VtdDriver } from './vtd-driver.ts';

export const PAGE = 4096;
export const VF = 0x0180;
export const HOST = 0x8000_0000;

type Messages = { address: number; data: number }[];

/** A unit over tables with one function: sixteen pages, of which the last four may only be read. */
export function setUp(options: Partial<VtdUnitOptions> = {}, iommuOptions: Partial<IommuOptions> = {}) {
  const tables = new Tables();
  const table = tables.attach(VF, 1);
  table.map(0, HOST, 12 * PAGE, { ...READ_WRITE, pageBytes: PAGE });
  table.map(12 * PAGE, HOST + 12 * PAGE, 4 * PAGE, { ...READ_ONLY, pageBytes: PAGE });
  const iommu = tables.iommu({ faultRecords: 4, ...iommuOptions });
  const messages: Messages = [];
  const unit = new VtdUnit({
    iommu,
    memory: tables.memory,
    events: (address, data) => messages.push({ address, data }),
    ...options,
  });
  const driver = new VtdDriver(unit, tables.memory);
  return { tables, table, iommu, unit, driver, messages };
}

/** The same with commands that take a microsecond. */
export function setUpTimed() {
  const scheduler = new Scheduler();
  const world = setUp({ scheduler, commandPs: 1_000_000 }, { scheduler });
  return {
    ...world,
    scheduler,
    driver: new VtdDriver(world.unit, world.tables.memory, () => scheduler.step()),
  };
}
