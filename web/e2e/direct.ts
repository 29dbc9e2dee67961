// All that these tests ask is on this machine: no proxy of the environment can reach it, and none is asked, neither by
// Node (which some settings of Node's own make do so) nor by the browser that inherits this environment.
const VARIABLES = ["http_proxy", "https_proxy", "all_proxy"];

for (const name of VARIABLES) {
  delete process.env[name];
  delete process.env[name.toUpperCase()];
}
