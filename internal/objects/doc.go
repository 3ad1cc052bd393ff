// Package objects finds and opens stored evidence: it walks files and directory
// trees in an order that never changes, names a file by what makes its content
// the same, and gives its bytes inflated, within limits, and line by line. It is
// shared by every source that reads objects and knows none of their formats.
package objects
