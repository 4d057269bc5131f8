// An S3 server that takes conditions on writes and doesn't mind them. Prints its port.
// Usage: node s3rver.mjs DIRECTORY
import S3rver from 's3rver';

const server = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory: process.argv[2], configureBuckets: [{ name: 'bucket' }] });
const { port } = await server.run();
console.log(port);
