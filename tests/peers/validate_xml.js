// Validates the XML on stdin against the XML Schema whose path is the argument. Prints the problems as a JSON list.
const { readFileSync } = require("node:fs");
const { validateXML } = require("xmllint-wasm");

validateXML({
  xml: [{ fileName: "report.xml", contents: readFileSync(0, "utf8") }],
  schema: [readFileSync(process.argv[2], "utf8")],
}).then(({ errors }) => console.log(JSON.stringify(errors.map((error) => error.message))));
