/** The folders of `src`, lowest layer first. A folder imports from itself and from lower layers only. */
const LAYERS = [
  ["lib", "money", "clock", "auction", "design"],
  ["session", "ui"],
  ["live"],
  ["items"],
  ["bidding", "history", "selling"],
  ["shell"],
  ["pages"],
];
/** The entry point and the root component, which put the layers together. */
const ROOT_FILES = "^src/(main|app)\\.tsx$";
/** What tests share. It may import from every layer, and no layer from it. */
const TEST_HELPERS = "^src/testing/";

const inFolders = (folders) => `^src/(${folders.join("|")})/`;
const known = [ROOT_FILES, TEST_HELPERS, inFolders(LAYERS.flat())];

const upwardRules = LAYERS.flatMap((layer, index) =>
  layer.map((folder) => ({
    name: "no-import-upwards",
    severity: "error",
    comment: "A folder imports from lower layers only, not from its own layer or a higher one.",
    from: { path: inFolders([folder]) },
    to: {
      path: [TEST_HELPERS, ROOT_FILES, inFolders(LAYERS.slice(index).flat())],
      pathNot: inFolders([folder]),
    },
  })),
);

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    ...upwardRules,
    {
      name: "no-test-code-in-the-page",
      severity: "error",
      comment: "The page that is served must not contain helpers of tests.",
      from: { path: ROOT_FILES },
      to: { path: TEST_HELPERS },
    },
    {
      name: "no-cycle",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-folder-cycle",
      severity: "error",
      scope: "folder",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-orphan",
      severity: "error",
      comment: "A module that imports nothing and that nothing imports is dead code.",
      from: { orphan: true },
      to: {},
    },
    {
      name: "no-folder-without-a-layer",
      severity: "error",
      comment: "Name a new folder of src in LAYERS.",
      from: { path: "^src/", pathNot: known },
      to: {},
    },
    {
      name: "no-folder-without-a-layer",
      severity: "error",
      comment: "Name a new folder of src in LAYERS.",
      from: {},
      to: { path: "^src/", pathNot: known },
    },
    {
      name: "no-unresolvable",
      severity: "error",
      comment: "An import that can't be resolved can't be checked.",
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    // Type-only imports count: they tie two folders together all the same.
    tsPreCompilationDeps: true,
    // Tests may import from every layer.
    exclude: { path: "\\.test\\.tsx?$" },
    doNotFollow: { path: ["node_modules", "^packages/"] },
    enhancedResolveOptions: {
      conditionNames: ["gavel-source", "import", "default"],
      exportsFields: ["exports"],
      extensions: [".ts", ".tsx", ".css"],
    },
  },
};
