// The reference for P1: a chaincode that does the same state accesses as a settlement, and nothing else,
// through Fabric's own Go shim. Its environment: CHAINCODE_ID, CHAINCODE_ADDRESS, and the PEM files
// CHAINCODE_KEY, CHAINCODE_CERTIFICATE and CHAINCODE_CLIENT_AUTHORITY.
package main

import (
	"bytes"
	"encoding/json"
	"log"
	"os"

	"github.com/hyperledger/fabric-chaincode-go/v2/shim"
	pb "github.com/hyperledger/fabric-protos-go-apiv2/peer"
)

type accesses struct {
	Reads  []string       `json:"reads"`
	Writes map[string]int `json:"writes"`
}

type chaincode struct{}

func (chaincode) Init(shim.ChaincodeStubInterface) *pb.Response { return shim.Success(nil) }

// Invoke reads the keys and writes as many bytes as it is told, in batches where the peer takes them.
func (chaincode) Invoke(stub shim.ChaincodeStubInterface) *pb.Response {
	arguments := stub.GetArgs()
	var wanted accesses
	if err := json.Unmarshal(arguments[1], &wanted); err != nil {
		return shim.Error(err.Error())
	}
	if _, err := stub.GetMultipleStates(wanted.Reads...); err != nil {
		return shim.Error(err.Error())
	}
	stub.StartWriteBatch()
	for key, size := range wanted.Writes {
		if err := stub.PutState(key, bytes.Repeat([]byte("x"), size)); err != nil {
			return shim.Error(err.Error())
		}
	}
	if err := stub.FinishWriteBatch(); err != nil {
		return shim.Error(err.Error())
	}
	return shim.Success([]byte("{}"))
}

func file(name string) []byte {
	content, err := os.ReadFile(os.Getenv(name))
	if err != nil {
		log.Fatal(err)
	}
	return content
}

func main() {
	server := &shim.ChaincodeServer{
		CCID:    os.Getenv("CHAINCODE_ID"),
		Address: os.Getenv("CHAINCODE_ADDRESS"),
		CC:      chaincode{},
		TLSProps: shim.TLSProperties{
			Key:           file("CHAINCODE_KEY"),
			Cert:          file("CHAINCODE_CERTIFICATE"),
			ClientCACerts: file("CHAINCODE_CLIENT_AUTHORITY"),
		},
	}
	if err := server.Start(); err != nil {
		log.Fatal(err)
	}
}
