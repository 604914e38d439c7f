/** The state of a whole machine as bytes: a simulation that is restored from them goes on as the one that was written. */
export { type RestoreOptions, restoreSimulation, snapshotSimulation } from './snapshot.ts';
export { SnapshotError } from './snapshot-error.ts';
